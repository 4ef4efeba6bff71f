// The command line: what people type becomes what they mean, or a message that says how to type it.

#include "app/cli_args.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "app/cli_run.h"

namespace podium::app {
namespace {

CliResult<CommandLine> Parse(const std::string& text) {
  std::istringstream words(text);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  return ParseArguments(arguments);
}

template <typename Args>
Args As(const std::string& text) {
  const auto line = Parse(text);
  if (!line) {
    ADD_FAILURE() << text << ": " << Render(line.error());
    return {};
  }
  const Args* args = std::get_if<Args>(&line->verb);
  if (args == nullptr) {
    ADD_FAILURE() << text << " is another verb, number " << line->verb.index();
    return {};
  }
  return *args;
}

TEST(CliArguments, Serve) {
  const auto args = As<ServeArgs>("serve --data d --listen :0 --config c.yaml --log-level debug");
  EXPECT_EQ(args.server.config, "c.yaml");
  ASSERT_EQ(args.server.values.size(), 3U);
  EXPECT_EQ(args.server.values[0].path, "data_dir");
  EXPECT_EQ(args.server.values[1].flag, "--listen");
  EXPECT_EQ(args.server.values[1].value, ":0");
  EXPECT_EQ(args.server.values[2].path, "log.level");
  EXPECT_TRUE(args.server.Has("server.listen"));
  EXPECT_FALSE(args.server.Has("log.format"));
}

TEST(CliArguments, Demo) {
  const auto args = As<DemoArgs>("demo --duration 30s --keep --rate 12.5 --shuffle-labels");
  EXPECT_EQ(args.duration, std::chrono::seconds(30));
  EXPECT_TRUE(args.keep);
  EXPECT_TRUE(args.shuffle_labels);
  EXPECT_EQ(args.rate, 12.5);
  EXPECT_TRUE(As<DemoArgs>("demo --canary worse").worse);
  EXPECT_FALSE(As<DemoArgs>("demo --canary better").worse);
  EXPECT_EQ(As<DemoArgs>("demo --duration 7").duration, std::chrono::seconds(7));
  EXPECT_FALSE(As<DemoArgs>("demo").duration.has_value());
}

TEST(CliArguments, VersionVerbs) {
  const auto registered = As<RegisterArgs>(
      "version register tumour m.onnx --version 2 --name n --model-id id --status shadow --metric "
      "auc=0.9 --metric f1=1 --tag a=b --parent p --format onnx --wait --signature s.json");
  EXPECT_EQ(registered.route, "tumour");
  EXPECT_EQ(registered.file, "m.onnx");
  EXPECT_EQ(registered.version, "2");
  EXPECT_EQ(registered.name, "n");
  EXPECT_EQ(registered.model_id, "id");
  EXPECT_EQ(registered.status, "shadow");
  EXPECT_EQ(registered.metrics, (std::vector<std::string>{"auc=0.9", "f1=1"}));
  EXPECT_EQ(registered.tags, (std::vector<std::string>{"a=b"}));
  EXPECT_EQ(registered.parent, "p");
  EXPECT_EQ(registered.signature, "s.json");
  EXPECT_TRUE(registered.wait);
  // A repeated flag takes one value each: the positional after it is not swallowed.
  EXPECT_EQ(As<RegisterArgs>("version register --version 2 --tag a=b tumour m.onnx").file,
            "m.onnx");

  EXPECT_EQ(As<ListVersionsArgs>("version list tumour --status canary").status, "canary");
  EXPECT_EQ(As<ListVersionsArgs>("version list").most, 100U);
  EXPECT_EQ(As<GetVersionArgs>("version get tumour@2").target, "tumour@2");
  EXPECT_EQ(As<ChangeVersionArgs>("version activate x").verb, VersionVerb::kActivate);
  EXPECT_EQ(As<ChangeVersionArgs>("version retire x").verb, VersionVerb::kRetire);
  EXPECT_EQ(As<ChangeVersionArgs>("version delete x").verb, VersionVerb::kDelete);
}

TEST(CliArguments, TrafficVerbs) {
  EXPECT_EQ(As<ChangeVersionArgs>("promote tumour-v2").verb, VersionVerb::kPromote);
  EXPECT_EQ(As<ChangeVersionArgs>("promote tumour-v2").target, "tumour-v2");
  EXPECT_EQ(As<RollbackArgs>("rollback tumour").route, "tumour");
  const auto canary = As<CanaryArgs>("canary tumour 2 5");
  EXPECT_EQ(canary.target, "2");
  EXPECT_EQ(canary.pct, 5.0);
  const auto share_only = As<CanaryArgs>("canary tumour 0.25%");
  EXPECT_EQ(share_only.target, "");
  EXPECT_EQ(share_only.pct, 0.25);
  EXPECT_FALSE(As<CanaryArgs>("canary tumour --end").pct.has_value());
}

TEST(CliArguments, ReadingVerbs) {
  EXPECT_TRUE(As<StatusArgs>("status tumour -w").watch);
  EXPECT_EQ(As<StatusArgs>("status").route, "");
  const auto predict = As<PredictArgs>("predict tumour -d [[1]] --session s --version 2");
  EXPECT_EQ(predict.data, "[[1]]");
  EXPECT_EQ(predict.session, "s");
  EXPECT_EQ(predict.version, "2");
  EXPECT_EQ(As<PredictArgs>("predict tumour -f -").file, "-");
  EXPECT_EQ(As<EventsArgs>("events").most, 100U);
  EXPECT_EQ(As<EventsArgs>("events --after 7 --follow").after, 7U);
  As<ListReplicasArgs>("replica list");
  EXPECT_EQ(As<LogArgs>("log list tumour --since 1h").since, "1h");
  EXPECT_EQ(As<LogArgs>("log list").most, 100U);
  EXPECT_EQ(As<LogArgs>("log get 01").id, "01");
  EXPECT_EQ(As<LogArgs>("log tail").verb, LogVerb::kTail);
  EXPECT_EQ(As<LogArgs>("log export --format csv").format, "csv");
  EXPECT_EQ(As<LogArgs>("log replay r --version 2").most, 20U);
  EXPECT_EQ(As<LogArgs>("log replay r --version 2 --limit 3").most, 3U);
  EXPECT_EQ(As<FeedbackArgs>("feedback r q --label 1").label, 1.0);
  EXPECT_EQ(As<FeedbackArgs>("feedback -f -").file, "-");
  EXPECT_EQ(As<CompareArgs>("compare r").since, "24h");
  EXPECT_EQ(As<EvaluateArgs>("log evaluate r --policy 1=50,2=50").policy, "1=50,2=50");
  EXPECT_EQ(As<EvaluateArgs>("log evaluate r --policy 2=100 --clip 20").clip, 20.0);
  EXPECT_EQ(As<CompareArgs>("compare r --threshold 0.9").threshold, 0.9);
  EXPECT_EQ(As<AuditArgs>("audit").most, 100U);
  EXPECT_EQ(As<AuditArgs>("audit list --route r --limit 3").most, 3U);
  EXPECT_EQ(As<AuditArgs>("audit --route r").route, "r");
  EXPECT_EQ(As<CheckArgs>("check f.yaml").file, "f.yaml");
  EXPECT_FALSE(As<CheckArgs>("check").file.has_value());
}

TEST(CliArguments, DatabaseVerbs) {
  EXPECT_EQ(As<DbArgs>("db status").verb, DbVerb::kStatus);
  EXPECT_EQ(As<DbArgs>("db migrate --config f.yaml").server.config, "f.yaml");
  EXPECT_EQ(As<DbArgs>("db backup copy.db").file, "copy.db");
  EXPECT_EQ(As<DbArgs>("db verify").file, "");
  const auto restore = As<DbArgs>("db restore copy.db --data d");
  EXPECT_EQ(restore.verb, DbVerb::kRestore);
  EXPECT_TRUE(restore.server.Has("data_dir"));
  const auto epoch = As<DbArgs>("db restore --epoch --above 7");
  EXPECT_TRUE(epoch.epoch);
  EXPECT_EQ(epoch.above, 7u);
}

// People put them before and behind the verb.
TEST(CliArguments, ClientFlagsMayStandAnywhere) {
  for (const char* text : {"--server h:1 -o json --reason r -y promote x --timeout 3s",
                           "promote x --server h:1 --output=json --reason r --yes --timeout 3s",
                           "promote --server=h:1 -o json x --reason r -y --timeout=3s"}) {
    SCOPED_TRACE(text);
    const auto line = Parse(text);
    ASSERT_TRUE(line) << Render(line.error());
    EXPECT_EQ(line->client.server, "h:1");
    EXPECT_EQ(line->client.output, OutputFormat::kJson);
    EXPECT_EQ(line->client.reason, "r");
    EXPECT_EQ(line->client.timeout, std::chrono::seconds(3));
    EXPECT_TRUE(line->client.yes);
  }
  EXPECT_FALSE(Parse("status")->client.output.has_value());
}

TEST(CliArguments, MistakesSayWhatWasMeant) {
  struct Case {
    const char* text;
    const char* said;  ///< In the error or in the fix.
  };
  const Case cases[] = {
      {"promot x", "did you mean `podium promote`?"},
      {"satus", "did you mean `podium status`?"},
      {"frobnicate", "podium --help"},
      {"version regster r f", "did you mean `podium version register`?"},
      {"version", "podium version --help"},
      {"--server h:1 stauts", "did you mean `podium status`?"},
      {"status --serve h:1", "did you mean \"--server\"?"},
      {"promote", "ID is required"},
      {"promote a b", "\"b\" is too much"},
      {"canary tumour", "needs a share in percent"},
      {"canary tumour 2 5 7", "too much"},
      {"canary tumour 2 101", "0 to 100 percent"},
      {"canary tumour lots", "no share"},
      {"canary tumour 5 --end", "--end takes no share"},
      {"predict tumour", "either -d JSON or -f FILE"},
      {"predict tumour -d 1 -f x", "either -d JSON or -f FILE"},
      {"version register r f --version 1 --status primary", "standby"},
      {"status -o xml", "json"},
      {"status --timeout 5", "did you mean \"5s\"?"},
      {"demo --duration soon", "--duration"},
      {"demo --rate fast", "rate"},
      {"version list --limit 0", "limit"},
      {"help exit-code", "did you mean \"exit-codes\"?"},
      {"help promot", "did you mean \"promote\"?"},
      {"rollback", "ROUTE is required"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto line = Parse(c.text);
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().exit, ExitCode::kUsage);
    EXPECT_NE(Render(line.error()).find(c.said), std::string::npos) << Render(line.error());
  }
}

TEST(CliArguments, ShadowAndChallengerVerbs) {
  const auto set = As<ShadowArgs>("shadow set ads 10% ads-v2 --cap 2.5 --tolerance 0.01");
  EXPECT_EQ(set.verb, ShadowArgs::Verb::kSet);
  EXPECT_EQ(set.route, "ads");
  EXPECT_EQ(set.percent, 10);
  EXPECT_EQ(set.versions, std::vector<std::string>{"ads-v2"});
  EXPECT_EQ(set.cap_usd, 2.5);
  EXPECT_EQ(set.tolerance, 0.01);
  EXPECT_EQ(As<ShadowArgs>("shadow show ads").verb, ShadowArgs::Verb::kShow);
  EXPECT_EQ(As<ShadowArgs>("shadow off ads").verb, ShadowArgs::Verb::kOff);
  const auto against =
      As<ChallengerArgs>("challenger set ads ads-v2 --weight 25 --sticky --deadline 200ms");
  EXPECT_EQ(against.verb, ChallengerArgs::Verb::kSet);
  EXPECT_EQ(against.challenger, "ads-v2");
  EXPECT_EQ(against.weight, 25);
  EXPECT_TRUE(against.sticky);
  EXPECT_EQ(against.deadline, "200ms");
  EXPECT_FALSE(against.off);
  EXPECT_TRUE(As<ChallengerArgs>("challenger set ads ads-v2 --off").off);
  EXPECT_EQ(As<ChallengerArgs>("challenger end ads").verb, ChallengerArgs::Verb::kEnd);
  for (const char* text :
       {"shadow", "shadow set", "shadow set ads", "shadow set ads 101", "shadow set ads 1 --cap x",
        "shadow show", "challenger set ads", "challenger set ads v --weight 101"}) {
    EXPECT_FALSE(Parse(text)) << text;
  }
}

TEST(CliArguments, FollowVerbs) {
  const auto plain = As<FollowArgs>("route follow ads ads-ranker");
  EXPECT_EQ(plain.route, "ads");
  EXPECT_EQ(plain.model, "ads-ranker");
  EXPECT_FALSE(plain.share);
  EXPECT_FALSE(plain.resume);
  const auto whole = As<FollowArgs>(
      "route follow ads m --champion @best --challenger none --challenger-share 2.5% "
      "--on-champion promote");
  EXPECT_EQ(whole.champion, "@best");
  EXPECT_EQ(whole.challenger, "none");
  EXPECT_EQ(whole.share, 2.5);
  EXPECT_EQ(whole.on_champion, "promote");
  EXPECT_TRUE(As<FollowArgs>("route follow ads --resume").resume);
  EXPECT_EQ(As<UnfollowArgs>("route unfollow ads").route, "ads");
  EXPECT_EQ(As<ReloadArgs>("reload ads").route, "ads");
  EXPECT_FALSE(As<ReloadArgs>("reload ads").force);
  EXPECT_TRUE(As<ReloadArgs>("reload ads --force").force);
  for (const char* text :
       {"route", "route follow", "route follow ads", "route follow ads m --resume",
        "route follow ads --resume --champion @a", "route follow ads m --challenger-share 101",
        "route unfollow", "reload", "route frob"}) {
    const auto refused = Parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().exit, ExitCode::kUsage) << text;
  }
}

TEST(CliArguments, HelpIsPrintedAndHasExamples) {
  for (const char* text : {"", "--help", "help", "promote --help", "help promote", "version --help",
                           "version register -h", "help version register", "serve --help"}) {
    SCOPED_TRACE(text);
    const std::string help = As<PrintText>(text).text;
    EXPECT_NE(help.find("podium "), std::string::npos) << help;
    EXPECT_TRUE(help.ends_with('\n'));
  }
  EXPECT_NE(As<PrintText>("promote --help").text.find("Examples:"), std::string::npos);
  EXPECT_EQ(As<PrintText>("help exit-codes").text, ExitCodesHelp());
  EXPECT_NE(As<PrintText>("help settings").text.find("PODIUM_SERVER_LISTEN"), std::string::npos);
  EXPECT_TRUE(As<PrintText>("--version").text.starts_with("podium "));
}

TEST(CliArguments, Percent) {
  for (const auto& [text, want] :
       {std::pair{"0", 0.0}, {"100", 100.0}, {"0.25", 0.25}, {"5%", 5.0}}) {
    ASSERT_TRUE(ParsePercent(text)) << text;
    EXPECT_EQ(*ParsePercent(text), want);
  }
  for (const char* text : {"", "%", "-1", "100.01", "nan", "inf", "1e1", "5 %", "5%%", "0x5"}) {
    EXPECT_FALSE(ParsePercent(text)) << text;
  }
}

TEST(CliArguments, TheServersAddress) {
  const auto parse = [](const char* text) {
    const auto address = ParseServer(text);
    return address ? net::ToString(*address) : "error: " + address.error().error;
  };
  EXPECT_EQ(parse("host:1"), "host:1");
  EXPECT_EQ(parse("http://[::1]:2/"), "[::1]:2");
  EXPECT_EQ(parse(":3"), "127.0.0.1:3");  // banned: fixed port (only parsed)
  EXPECT_NE(parse("https://host:1").find("no TLS"), std::string::npos);
  EXPECT_TRUE(parse("host").starts_with("error: "));
  EXPECT_TRUE(parse("host:0").starts_with("error: "));
  EXPECT_TRUE(parse("http://host:1/path").starts_with("error: "));
}

TEST(CliArguments, Explain) {
  const auto key = As<ExplainArgs>("explain tumour --key alice --kind user --generation 41");
  EXPECT_EQ(key.route, "tumour");
  EXPECT_EQ(key.key, "alice");
  EXPECT_EQ(key.kind, "user");
  EXPECT_EQ(key.generation, 41U);
  EXPECT_EQ(As<ExplainArgs>("explain t --key a --at 2026-03-09T14:31Z").at, "2026-03-09T14:31Z");
  EXPECT_EQ(As<ExplainArgs>("explain --request r-1").request, "r-1");
  for (const char* wrong :
       {"explain", "explain tumour", "explain --key a", "explain tumour --request r",
        "explain --request r --key a", "explain t --key a --kind colour",
        "explain t --key a --generation x", "explain t --key a --generation -1",
        "explain t --key a --generation 1 --at 2026-03-09T14:31Z"}) {
    const auto line = Parse(wrong);
    ASSERT_FALSE(line) << wrong;
    EXPECT_EQ(line.error().exit, ExitCode::kUsage) << wrong;
  }
}

}  // namespace
}  // namespace podium::app
