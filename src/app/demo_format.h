// How the demo writes numbers, times and the texts of others.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium::app {

std::string ShortPercent(double percent);  ///< "5", "0.25": no decimals that are 0, at most two.
std::string ShowRatio(std::optional<double> ratio, int decimals);  ///< "83.31%", or "-".
std::string ShowMilliseconds(std::chrono::nanoseconds time);  ///< "0.31", "12.3", "140": no unit.
std::string ShowElapsed(std::chrono::seconds time);           ///< "00:01:23"
std::string ShowSeconds(std::chrono::milliseconds time);      ///< "0.21 s"
std::string ShowCount(std::uint64_t count, std::string_view one);  ///< "1 error", "2 errors"

/// `text` as a terminal may be given it: without control bytes, cut to `width` characters.
std::string Fit(std::string_view text, std::size_t width);
/// How many characters `text` shows, as Fit counts them.
std::size_t CharactersOf(std::string_view text);

/// A word that a shell reads as one.
std::string ShellWord(std::string_view text);
/// The program as it may be typed in `directory`: shorter where it lies below it.
std::string ShownProgram(std::string_view program, std::string_view directory);

}  // namespace podium::app
