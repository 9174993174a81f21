#pragma once

#include "berth/worker/activity_context.h"

namespace file_processing {

/// {"path": "/data/a"} -> {"bytes": n}. Copies the file to `input` in the session's directory.
berth::Result<berth::Json> fetch(berth::worker::ActivityContext& context, const berth::Json& input);

/// {} -> {"bytes", "lines", "words", "sha256", "compressedBytes"}. Reads `input`, writes
/// `output.gz`.
berth::Result<berth::Json> process(berth::worker::ActivityContext& context,
                                   const berth::Json& input);

/// {"path": "/out/a.gz"} -> {"bytes": n}. Copies `output.gz` there, whole or not at all.
berth::Result<berth::Json> store(berth::worker::ActivityContext& context, const berth::Json& input);

}  // namespace file_processing
