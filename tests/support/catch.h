// The one place that includes Catch2 (version 2 on Debian 12).
#pragma once
#include <catch2/catch.hpp>
