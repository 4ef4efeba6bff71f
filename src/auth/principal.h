// Who calls, and what they may do. Pure: the adapter brings the header and the peer, this decides.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace podium::auth {

/// The caller, after authentication.
struct Principal {
  std::string actor;            ///< For the audit trail: "admin", "local", "anonymous".
  bool may_administer = false;  ///< Mutations and admin reads.
  bool may_override = false;    ///< X-Podium-Model-Version.
};

/// What identifies a caller.
struct Credentials {
  std::string_view authorization;  ///< The header's value, or empty.
  bool loopback_peer = false;
};

/// Which callers are known. Keys and roles join here later.
/// Threads: immutable after construction.
class Authenticator {
 public:
  /// Without a token, loopback callers are the local admin. `digest_key` is random per process.
  static Authenticator LocalOnly();
  static Authenticator WithAdminToken(std::string_view token, std::string digest_key);

  bool has_token() const { return token_digest_.has_value(); }
  /// kUnauthenticated for a credential that is wrong; no credential is an anonymous principal.
  Result<Principal> Identify(const Credentials& credentials) const;

 private:
  Authenticator() = default;

  std::string digest_key_;
  /// Keyed digests are compared, not tokens: equal lengths, and timing tells nothing of the token.
  std::optional<Sha256Digest> token_digest_;
};

/// kUnauthenticated for anonymous callers, kPermissionDenied for known ones without the right.
Status RequireAdmin(const Principal& principal);
Status RequireOverride(const Principal& principal);

/// A token that guards a server: at least 16 characters, no white space.
Status CheckToken(std::string_view token);

/// What a browser page elsewhere cannot forge: with no token, the Host must be a loopback name and
/// an Origin, if any, of this very host; kPermissionDenied names the setting that would allow it.
Status CheckLocalOrigin(std::string_view host, std::optional<std::string_view> origin);

}  // namespace podium::auth
