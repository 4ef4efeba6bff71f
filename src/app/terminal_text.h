// Text of strangers (a model, a server) on a terminal: to be read, never to be obeyed.
#pragma once

#include <string>
#include <string_view>

namespace podium::app {

/// `text` with what steers a terminal made visible: ESC becomes "^[", U+009B becomes "<U+009B>", a
/// byte that is no UTF-8 becomes U+FFFD. So do characters that reverse or hide the text around
/// them. Line ends and tabs stay. Pure.
std::string Harmless(std::string_view text);

}  // namespace podium::app
