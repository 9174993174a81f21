#pragma once

#include <set>
#include <string>

#include "tests/unit/deploy/crd_schema.h"

namespace berth::deploy {

/// A pool for the reader in lib/api in which every object is there and no bound depends on another
/// field.
Json roomy_pool();
Json with(Json pool, const std::string& pointer, const Json& value);

/// What the reader says of it; empty when it takes it.
std::string error_of(const Json& pool);

std::set<std::string> fields_that_the_reader_knows(const Place& p);

/// Everything that a pool says, as it was read, so that two can be compared.
Json described(const Json& pool);

}  // namespace berth::deploy
