// One JSON object, read member by member: the first fault is kept with its place, and members that
// nobody has asked for are found. What a member may be is for the readers built on this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace podium {

class JsonMembers {
 public:
  /// How the place of a fault is written: "/steps/0/bake" (a JSON pointer), or "steps[0].bake".
  enum class Places : std::uint8_t { kPointer, kDotted };

  /// `where`: the object's own place, empty for the outermost. `unknown`: what is said of a member
  /// that nobody has asked for; empty: it is passed over. The object outlives this.
  JsonMembers(const Json& json, std::string where, Places places, std::string_view unknown);

  bool Has(const char* key) const { return json_.is_object() && json_.contains(key); }
  /// The member, which counts as asked for; nullptr when it is not there, or after a fault.
  const Json* Find(const char* key);

  void Read(const char* key, double& to);
  void Read(const char* key, bool& to);

  void Fault(const std::string& key, std::string_view what);
  Status Finish();  ///< The first fault. Asks for the unknown members too, so once and last.

 protected:
  std::string Place(const std::string& key) const;
  std::string Place(const std::string& key, std::size_t element) const;  ///< Of a list.
  void Take(Status status);
  /// Nullptr, with the fault taken, unless it is a list of at most `most`.
  const Json* FindList(const char* key, std::size_t most);
  bool good() const { return status_.has_value(); }

 private:
  const Json& json_;
  std::string where_;
  Places places_;
  std::string_view unknown_says_;
  std::vector<std::string> asked_;
  Status status_;
};

}  // namespace podium
