#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace file_processing {

/// A file's name may hold any byte; JSON and terminals take text. `%XX` stands for what is no
/// UTF-8, for control characters and for '%'; everything else for itself. Both ways it is the same
/// path.
std::string to_text(const std::filesystem::path& path);
/// Nothing if a '%' is not followed by two hex digits.
std::optional<std::filesystem::path> from_text(std::string_view text);

}  // namespace file_processing
