// A scenario: the registry's contract told as a story, one statement a line, that runs over every
// store. tests/scenarios/README.md describes the language; scenario_parse.h reads it and
// scenario_run.h acts it out.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "domain/ids.h"
#include "domain/traffic.h"
#include "domain/version.h"
#include "store/mutation.h"

namespace podium::testing::scenario {

/// A revision as it is written: a number, or the name of a note that holds one.
using RevisionRef = std::variant<Revision, std::string>;

/// A mutation, by whom and on what understanding.
struct Act {
  /// A SetCanary without a route means the version's own.
  store::Mutation mutation;
  std::string actor;  ///< Empty: who speaks at this point of the story.
  std::string reason;
  bool as_follower = false;                     ///< It is the route's follower who acts.
  bool as_driver = false;                       ///< It is the rollout's driver, with its lease.
  bool in_person = false;                       ///< The actor names a person.
  std::optional<RevisionRef> if_revision;       ///< If-Match.
  std::optional<RevisionRef> if_primary_since;  ///< What the caller saw when it was admitted.
};

/// Time passes; or the wall clock alone steps back.
struct Pass {
  std::chrono::milliseconds time{};
  bool back = false;
};
/// The registry is closed and opened again, if it is kept anywhere.
struct Reopen {};
struct SpeakAs {
  std::string actor;
};

/// What the table says from here on as the routing reads it, whatever the store says: for rows that
/// no store of ours writes, but another hand might.
struct Suppose {
  enum class What { kNothing, kStatus, kProvider, kSalt, kCanarySalt };
  What what = What::kNothing;
  std::string subject;  ///< model_id, or the route of a salt.
  std::string value;    ///< Provider or salt.
  VersionStatus status = VersionStatus::kStandby;
};

enum class Noted { kRevisionOfVersion, kRevisionOfRoute, kPrimarySince, kSalt, kCanarySalt };
/// Keeps something under a name for later lines.
struct Note {
  Noted what = Noted::kSalt;
  std::string subject;
  std::string name;
};

/// Sessions by number: u0 to u9999.
struct Crowd {
  std::string prefix;
  int first = 0;
  int last = 0;
};
/// Keeps who is assigned what, for ExpectMoves.
struct Remember {
  RouteName route;
  Crowd crowd;
};

struct ExpectRefusal {
  int http_status = 0;
  std::string says;  ///< Part of the message.
  Act act;
};
/// The last act found everything so already.
struct ExpectNoChange {};
struct ExpectAbsent {
  bool route = false;  ///< Else a version.
  std::string name;
};

/// "primary m1", "canary nobody", "share 5%": what is to be so, as text.
struct Fact {
  std::string key;
  std::string value;  ///< Or the name of a note, where `key` says so.
};
enum class Subject { kRegistry, kRoute, kVersion, kRollout, kNewestAudit, kNewestEvent };
/// What is not named is not looked at.
struct ExpectFacts {
  Subject subject = Subject::kRegistry;
  std::string name;  ///< Of the route or version; of a rollout, its route.
  std::vector<Fact> facts;
};
/// All rows of a route that are not deleted, as "m1 primary" and "m2 canary 5%".
struct ExpectRoles {
  RouteName route;
  std::vector<std::string> roles;  ///< In the order of ids.
};
struct ExpectArms {
  RouteName route;
  std::vector<RouteArm> arms;
};
struct ExpectSalt {
  bool canary = false;
  RouteName route;
  bool same = true;  ///< Or another than the note's.
  std::string note;  ///< Empty: there is none.
};
struct ExpectAudit {
  std::optional<int> rows;  ///< Else: that the chain is intact.
};

/// The real routing code asked for one caller.
struct ExpectChoice {
  RouteName route;
  std::string session;
  std::string user;
  std::string request;
  std::string forced;  ///< X-Podium-Model-Version.
  std::string id;      ///< Empty: nobody.
  std::vector<Fact> facts;
};
struct ExpectEverybody {
  Crowd crowd;
  RouteName route;
  ModelId id;
};
struct ExpectShare {
  Crowd crowd;
  ModelId id;
  BasisPoints low;
  BasisPoints high;
};
/// Since Remember; both ids absent: nobody moved. Else somebody did, and nobody in another way.
struct ExpectMoves {
  std::optional<ModelId> from;
  std::optional<ModelId> to;
};
/// A row that the routing reports and leaves out; an empty id: none.
struct ExpectSetAside {
  std::string id;
  std::string says;
};

using Deed =
    std::variant<Act, Pass, Reopen, SpeakAs, Suppose, Note, Remember, ExpectRefusal, ExpectNoChange,
                 ExpectAbsent, ExpectFacts, ExpectRoles, ExpectArms, ExpectSalt, ExpectAudit,
                 ExpectChoice, ExpectEverybody, ExpectShare, ExpectMoves, ExpectSetAside>;

struct Statement {
  int line = 0;  ///< From 1.
  Deed deed;
};

struct Scenario {
  std::string file;  ///< As it is called in messages.
  std::vector<Statement> statements;
};

}  // namespace podium::testing::scenario
