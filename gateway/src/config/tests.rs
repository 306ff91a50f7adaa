use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::limits::rate::Rate;
use crate::user::Privilege;

const EXAMPLE: &str = include_str!("../../adit-serve.example.toml");
const HOST_KEY: &str = include_str!("../../../transport/testdata/keys/nistp256");
const HOST_CERTIFICATE: &str =
    include_str!("../../../transport/testdata/certificates/nistp256_host.pub");
const ENCRYPTED: &str = include_str!("../../../transport/testdata/keys/encrypted_aes256-ctr");
const KEY: &str = include_str!("../../../transport/testdata/keys/ed25519.pub");
const RSA: &str = include_str!("../../../transport/testdata/keys/rsa2048.pub");

/// A folder with all files that the example names.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("host_ed25519", HOST_KEY, 0o600);
    write("encrypted", ENCRYPTED, 0o600);
    write("corp-ca.pub", RSA, 0o644);
    write("host_ed25519-cert.pub", HOST_CERTIFICATE, 0o644);
    write("revoked", "# none yet\n", 0o644);
    write("gone", KEY, 0o644);
    fs::create_dir(folder.path().join("keys")).unwrap();
    write("keys/ann", KEY, 0o600);
    write("keys/bad", &format!("new-option {KEY}nonsense\n{RSA}"), 0o600);
    write("keys/open", KEY, 0o666);
    write("keys/empty", "# none\n", 0o600);
    write("keys/options", &format!("# one\nrestrict {KEY}"), 0o600);
    folder
}

fn parse(text: &str) -> Result<Config, String> {
    let folder = folder();
    let parsed = Config::parse(text, "file", folder.path());
    let place = folder.path().display().to_string();
    parsed.map_err(|error| error.to_string().replace(&place, "FOLDER"))
}

/// A file that is right, with these lines before the tables.
fn minimal(lines: &str) -> String {
    format!("host-keys = [\"host_ed25519\"]\n{lines}")
}

fn faults(lines: &str) -> String {
    parse(&minimal(lines)).expect_err(lines)
}

#[test]
fn the_example_is_read_with_all_that_it_says() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.listen, ["127.0.0.1:2222", "[::1]:2222"].map(|it| it.parse().unwrap()));
    assert_eq!(config.host_keys.len(), 1);
    assert_eq!(config.host_certificates[0].key_id(), "the gateway");
    let flow_log = config.flow_log.as_ref();
    let in_file =
        |it: &flow::Place| matches!(it, flow::Place::File(path) if path.ends_with("flow.jsonl"));
    assert!(flow_log.is_some_and(in_file), "{flow_log:?}");
    let said = parse(&minimal("flow-log = \"-\"")).unwrap();
    assert_eq!(said.flow_log, Some(flow::Place::StandardError));
    assert_eq!(config.stop_grace, Duration::from_secs(30));
    let ann = config.register.user("ann").unwrap();
    assert_eq!(ann.keys.len(), 2);
    assert_eq!(ann.authorities[0].keys.len(), 2);
    assert_eq!(ann.principals, ["ann", "ops"]);
    assert_eq!(ann.privilege, Privilege::PrivilegedPorts);
    assert_eq!(config.register.user("backup").unwrap().principals, ["backup"]);
    let names: Vec<_> = config.policy.rules().iter().map(|rule| &*rule.name).collect();
    assert_eq!(names.len(), 6);
    assert_eq!(ann.account.as_deref(), Some("www-data"));
    assert_eq!(config.sessions.subsystems["sftp"], "/usr/lib/openssh/sftp-server");
    assert_eq!(names[1], "databases by day");
    let rule = &config.policy.rules()[1];
    assert_eq!((rule.targets.len(), rule.times.len(), rule.sources.len()), (6, 2, 2));
    assert_eq!(config.limits.opens.unwrap().burst, 1000);
    let bytes = Rate { count: 100_000_000, per: Duration::from_secs(1), burst: 100_000_000 };
    assert_eq!(config.limits.bytes, Some(bytes));
    assert_eq!(config.limits.penalties.exempt.len(), 1);
}

#[test]
fn the_example_shows_the_defaults_where_it_names_no_others() {
    let (example, empty) = (parse(EXAMPLE).unwrap(), parse(&minimal("")).unwrap());
    let without_rates = |limits: &Limits| {
        let mut limits = limits.clone();
        (limits.arrivals, limits.opens, limits.bytes) = (None, None, None);
        limits.penalties.exempt.clear();
        limits
    };
    assert_eq!(without_rates(&example.limits), *empty.limits);
    assert_eq!(*empty.limits, Limits::default());
    assert_eq!(example.stop_grace, empty.stop_grace);
}

#[test]
fn the_example_has_every_field() {
    let document = include_str!("document.rs");
    let fields = document.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("/// `")?.split('`').next()?;
        Some(name.trim_matches(['[', ']']).to_owned())
    });
    let fields: Vec<_> = fields.collect();
    assert!(fields.len() > 50, "{fields:?}");
    for field in fields {
        let there = EXAMPLE.lines().any(|line| {
            let line = line.trim_start_matches(['[', ' ']);
            let rest = line.split("= {").last().unwrap_or(line);
            line.starts_with(&format!("{field} ="))
                || line.starts_with(&format!("{field}]"))
                || rest.contains(&format!("{field} ="))
        });
        assert!(there, "{field} is not in the example");
    }
}

#[test]
fn a_rule_about_sessions_is_about_nothing_else() {
    let rule = |more: &str| format!("[[rule]]\nname = \"a\"\naction = \"allow\"\n{more}");
    let config = parse(&minimal(&rule("sessions = [\"exec\", \"subsystem:sftp\"]"))).unwrap();
    assert_eq!(config.policy.rules()[0].sessions.len(), 2);
    let told = faults(&rule("sessions = [\"exec\"]\ndirection = \"open\""));
    assert!(told.starts_with("file:5:12: a rule about sessions is about nothing else"), "{told}");
    let told = faults(&rule("sessions = [\"sftp\"]"));
    assert!(told.starts_with("file:5:13: \"sftp\" is nothing that sessions have"), "{told}");
    let told = faults(&rule("sessions = []"));
    assert!(told.starts_with("file:5:12: an empty list matches nothing"), "{told}");
    assert!(faults("[subsystems]\nsftp = \" \"").contains("this is no command line"));
}

#[test]
fn what_is_left_out_is_safe() {
    let config = parse(&minimal("")).unwrap();
    assert_eq!(config.listen, [LISTEN]);
    assert!(config.listen[0].ip().is_loopback());
    assert!(config.policy.rules().is_empty());
    assert_eq!(config.register.users().count(), 0);
    assert!(config.warnings[0].starts_with("file:1:1: there are no rules: nothing is allowed"));
}

#[test]
fn a_mistake_in_the_form_is_told_with_its_place() {
    assert_eq!(
        faults("[[rule]]\nname = \"a\"\naction = \"allow\"\ntarget = []"),
        "file:5:1: unknown field `target`, expected one of `name`, `action`, `direction`, \
         `sessions`, `users`, `groups`, `keys`, `certificates`, `authorities`, `sources`, `times`, `targets`\n  \
         |\n5 | target = []\n  | ^^^^^^",
    );
    for (lines, place, cause) in [
        ("listen = [\"localhost:22\"]", "file:2:11: ", "invalid socket address syntax"),
        ("listen = [", "file:2:", "unclosed array"),
        ("time-zone = \"CET\"", "file:2:13: ", "a time zone is UTC or an offset"),
        ("stop-grace = 30", "file:2:14: ", "invalid type: integer `30`, expected a string"),
        ("stop-grace = \"30\"", "file:2:14: ", "a length of time is written"),
        ("revoked = [\"x\"]", "file:2:12: ", "write a fingerprint"),
        ("[[rule]]\nname = \"a\"", "file:2:1: ", "missing field `action`"),
        ("[[rule]]\nname = \"a\"\naction = \"drop\"", "file:4:10: ", "unknown variant `drop`"),
        ("[limits]\nchannels = -1", "file:3:12: ", "invalid value: integer `-1`"),
    ] {
        let told = faults(lines);
        assert!(told.starts_with(place) && told.contains(cause), "{lines}: {told}");
    }
    let told = parse("").unwrap_err();
    assert!(told.starts_with("file:1:1: missing field `host-keys`"), "{told}");
}

#[test]
fn memory_is_a_size_that_some_connections_can_live_on() {
    let memory = |text: &str| format!("[limits]\nmemory = \"{text}\"");
    let config = parse(&minimal(&memory("512M"))).unwrap();
    assert_eq!((config.limits.memory, config.warnings.len()), (512 << 20, 1), "only: no rules");
    let config = parse(&minimal(&memory("16M"))).unwrap();
    let told = config.warnings.concat();
    assert!(told.contains("file:3:10: a connection may find no memory"), "{told}");
    for (text, cause) in
        [("512MB", "a size is a number with K, M or G"), ("1M", "16M is the least")]
    {
        let told = faults(&memory(text));
        assert!(told.starts_with("file:3:10: ") && told.contains(cause), "{text}: {told}");
    }
}

#[test]
fn a_value_of_a_rule_that_is_none_is_told_with_its_place() {
    let rule = |line: &str| faults(&format!("[[rule]]\nname = \"a\"\naction = \"allow\"\n{line}"));
    assert_eq!(
        rule("targets = [\"db:80\", \"db.example\"]"),
        "file:5:21: the ports are missing: for all of them write `db.example:*`\n  |\n\
         5 | targets = [\"db:80\", \"db.example\"]\n  |                     ^^^^^^^^^^^^",
    );
    for (line, cause) in [
        ("sources = [\"10.0.0.1/8\"]", "the network is 10.0.0.0/8"),
        ("times = [\"soon\"]", "\"soon\" is no day"),
        ("direction = \"in\"", "unknown variant `in`"),
        ("keys = [\"SHA256:\"]", "write a fingerprint"),
        ("targets = [\"1.2.3.4.5:80\"]", "this looks like an IPv4 address and is none"),
    ] {
        let told = rule(line);
        assert!(told.starts_with("file:5:") && told.contains(cause), "{line}: {told}");
    }
}

#[test]
fn all_mistakes_in_the_meaning_are_told_at_once() {
    let told = faults(
        "listen = []\n\
         [[user]]\nname = \"ann\"\nkeys = [\"nonsense\"]\nauthorities = [\"corp\"]\n\
         [[user]]\nname = \"ann\"\n\
         [[rule]]\nname = \"a\"\naction = \"allow\"\nusers = [\"ann\", \"bob\"]\n\
         groups = [\"staff\"]\nauthorities = [\"corp\"]\ntargets = []\n\
         [[rule]]\nname = \"a\"\naction = \"deny\"\n\
         [limits]\nconnections = 0\nopens = { count = 0 }\n\
         [penalties]\nthreshold = \"1h\"",
    );
    let first: Vec<_> = told.lines().filter(|line| line.starts_with("file:")).collect();
    assert_eq!(
        first,
        [
            "file:2:10: there is nowhere to listen",
            "file:5:9: there is no public key",
            "file:6:16: there is no authority \"corp\"",
            "file:8:8: there are two users \"ann\"",
            "file:12:17: there is no user \"bob\"",
            "file:13:11: no user is in a group \"staff\"",
            "file:14:16: there is no authority \"corp\"",
            "file:15:11: an empty list matches nothing",
            "file:17:8: there are two rules \"a\"",
            "file:20:15: with 0 nobody would come in",
            "file:21:9: no part of a rate may be 0",
            "file:23:13: penalties never exceed this",
        ],
    );
    assert!(told.contains("hint: leave it out to match all"), "{told}");
}

#[test]
fn files_that_cannot_be_used_are_told_where_they_are_named() {
    for (lines, told) in [
        (
            "[[user]]\nname = \"ann\"\nauthorized-keys = [\"keys/none\"]",
            "file:4:20: FOLDER/keys/none: No such file or directory (os error 2)",
        ),
        (
            "[[user]]\nname = \"ann\"\nauthorized-keys = [\"keys/open\"]",
            "file:4:20: FOLDER/keys/open: others than its owner can write to it: \
             its mode is 0666",
        ),
        (
            "[[authority]]\nname = \"corp\"\nkey-files = [\"none\"]",
            "file:4:14: FOLDER/none: No such file or directory (os error 2)",
        ),
        (
            "[[authority]]\nname = \"corp\"\nkey-files = [\"host_ed25519\"]",
            "file:4:14: FOLDER/host_ed25519:1: the public key is not valid base64",
        ),
        (
            "[[authority]]\nname = \"corp\"\nkey-files = [\"keys/empty\"]",
            "file:4:14: there is no key in it",
        ),
        (
            "[[authority]]\nname = \"corp\"\nkey-files = [\"keys/options\"]",
            "file:4:14: FOLDER/keys/options:2: this key must have no options",
        ),
        ("[[authority]]\nname = \"corp\"", "file:3:8: this authority has no key"),
    ] {
        let found = faults(lines);
        assert_eq!(found.lines().next(), Some(told), "{found}");
    }
    let told = parse("host-keys = []").unwrap_err();
    assert!(told.starts_with("file:1:13: there is no host key"), "{told}");
    assert!(told.contains("hint: ssh-keygen -t ed25519"), "{told}");
    let told = parse("host-keys = [\"encrypted\"]").unwrap_err();
    assert!(told.starts_with("file:1:14: the host key is encrypted"), "{told}");
    let told = parse("host-keys = [\"none\"]").unwrap_err();
    assert!(told.starts_with("file:1:14: ") && told.contains("No such file"), "{told}");
    let error = Config::load(Path::new("/nonexistent/adit.toml")).unwrap_err();
    let expected = "/nonexistent/adit.toml: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_key_in_the_file_must_be_right_and_one_elsewhere_lets_nobody_in() {
    let key = KEY.trim_end();
    for (line, cause) in [
        (format!("new-option {key}"), "the option new-option is not supported"),
        (format!("permitopen=\"x\" {key}"), "the option permitopen has the invalid value \"x\""),
        (format!("{key}\n{key}"), "this is not one line with a key"),
        (String::new(), "this is not one line with a key"),
    ] {
        let told = faults(&format!("[[user]]\nname = \"ann\"\nkeys = ['''{line}''']"));
        assert!(told.starts_with(&format!("file:4:9: {cause}")), "{told}");
    }
    let lines = "[[user]]\nname = \"ann\"\nauthorized-keys = [\"keys/bad\"]";
    let config = parse(&minimal(lines)).unwrap();
    assert_eq!(config.register.user("ann").unwrap().keys.len(), 2);
    let told = config.warnings.join("\n");
    assert!(told.contains("keys/bad:2: there is no public key"), "{told}");
    let refused = "keys/bad:1: the option new-option is not supported: this key lets nobody in";
    assert!(told.contains(refused), "{told}");
}

#[test]
fn keys_of_files_are_revoked_and_a_file_that_is_none_is_a_fault() {
    let user = format!("[[user]]\nname = \"ann\"\nkeys = ['''{}''']", KEY.trim_end());
    let config = |revoked: &str| parse(&minimal(&format!("revoked-keys = [{revoked}]\n{user}")));
    let key = adit_transport::public_key::PublicKey::parse(KEY.trim_end()).unwrap().0;
    let credential = Arc::new(crate::credential::Credential::Key(key));
    let admitted = |revoked: &str| {
        let register = config(revoked).unwrap().register;
        let now = std::time::SystemTime::now();
        register.admit("ann", &credential, [10, 0, 0, 9].into(), now).map(drop)
    };
    assert_eq!(admitted("\"revoked\""), Ok(()));
    assert_eq!(admitted("\"revoked\", \"gone\""), Err(crate::register::Denied::Revoked));
    let told = config("\"none\"").unwrap_err();
    assert!(told.contains("No such file"), "{told}");
    let told = config("\"encrypted\"").unwrap_err();
    assert!(told.contains("encrypted:1: "), "{told}");
}

#[test]
fn a_file_that_others_can_write_to_is_warned_of() {
    let folder = folder();
    let path = folder.path().join("adit-serve.toml");
    fs::write(&path, EXAMPLE).unwrap();
    let warnings = |mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Config::load(&path).unwrap().warnings.join("\n")
    };
    assert_eq!(warnings(0o644), "");
    assert!(warnings(0o664).contains("others than its owner can write to it"));
}

#[test]
fn a_key_is_known_by_its_line_in_the_file() {
    let key = KEY.trim_end();
    let lines = format!("[[user]]\nname = \"ann\"\nkeys = [\n'{key}',\n]");
    let config = parse(&minimal(&lines)).unwrap();
    let ann = config.register.user("ann").unwrap();
    assert_eq!(ann.keys[0].position.to_string(), "file:5");
}

#[test]
fn rules_that_do_not_do_what_they_seem_to_are_warned_of() {
    let warnings = |rules: &str| {
        let config = parse(&minimal(rules)).unwrap();
        let first = config.warnings.iter().map(|it| it.lines().next().unwrap().to_owned());
        first.collect::<Vec<_>>()
    };
    let rule = |name: &str, action: &str, more: &str| {
        format!("[[rule]]\nname = \"{name}\"\naction = \"{action}\"\n{more}\n")
    };
    let all = rule("all", "deny", "");
    let some = rule("some", "allow", "targets = [\"db:80\"]");
    assert_eq!(
        warnings(&format!("{all}{some}")),
        ["file:7:8: this rule is never asked: rule \"all\" denies everything"],
    );
    assert_eq!(warnings(&format!("{some}{all}")), [""; 0]);
    assert_eq!(
        warnings(&rule("names", "deny", "targets = [\"*.example:80\"]")),
        ["file:3:8: this rule denies names only: who asks for an address goes past it"],
    );
    let open = rule("open", "allow", "targets = [\"*:80\"]");
    let listening = ["file:3:8: this rule also allows to listen on every address"];
    assert_eq!(warnings(&open), listening);
    assert_eq!(warnings(&open.replace("\"*:80\"", "\"[::]:80\"")), listening);
    assert_eq!(warnings(&format!("{open}direction = \"open\"")), [""; 0]);
    let rest = rule("rest", "deny", "targets = [\"0.0.0.0/0:*\"]");
    assert_eq!(
        warnings(&format!("{some}{rest}")),
        ["file:7:8: this rule denies the addresses of all names that rule \"some\" allows"],
    );
    assert_eq!(
        warnings(&format!("[[user]]\nname = \"ann\"\n{some}")),
        ["file:3:8: this user cannot log in"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_files_never_panic(text in "(.|\n){0,200}") {
        let _ = Config::parse(&text, "file", Path::new("/nonexistent"));
    }

    #[test]
    fn files_with_anything_changed_never_panic(
        at in any::<prop::sample::Index>(), len in 0_usize..40, with in "[a-z0-9\"'\\[\\]{}=:.*/,\n-]{0,8}",
    ) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        let from = at.index(text.len());
        let to = (from + len).min(text.len());
        text.splice(from..to, with.chars());
        let text: String = text.into_iter().collect();
        if let Err(error) = Config::parse(&text, "file", Path::new("/nonexistent")) {
            prop_assert!(error.to_string().starts_with("file:"));
        }
    }
}

#[test]
fn algorithms_are_those_of_a_preset_or_of_lists() {
    let algorithms = |lines: &str| parse(&minimal(lines)).unwrap().algorithms;
    let default = algorithms("");
    assert!(default.exchanges.contains("ecdh-sha2-nistp256"));
    assert!(!default.exchanges.as_str().contains("diffie-hellman"), "it costs a server much");
    assert_eq!(default.compressions.as_str(), "none");
    let strict = algorithms(
        "algorithms = \"strict\"\nhost-key-algorithms = [\"ecdsa-sha2-nistp256\"]\n\
         compression = true\nciphers = [\"aes192-ctr\"]\nmacs = [\"hmac-sha2-512\"]",
    );
    assert!(!strict.exchanges.as_str().contains("nistp"));
    assert_eq!(strict.host_keys.as_str(), "ecdsa-sha2-nistp256");
    assert_eq!((strict.ciphers.as_str(), strict.macs.as_str()), ("aes192-ctr", "hmac-sha2-512"));
    assert_eq!(strict.compressions.as_str(), "none,zlib@openssh.com");
}

#[test]
fn algorithms_that_are_not_known_or_leave_nothing_are_told_with_what_there_is() {
    let told = faults("algorithms = \"loose\"");
    assert!(told.starts_with("file:2:14: there is no such choice of algorithms"), "{told}");
    let told = faults("ciphers = [\"aes128-ctr\", \"aes128-cbc\"]");
    assert!(told.contains("file:2:26: \"aes128-cbc\" is not known"), "{told}");
    assert!(
        told.contains("hint: there are aes128-gcm@openssh.com,")
            || told.contains("hint: there are chacha20"),
        "{told}"
    );
    assert!(faults("macs = []").contains("no algorithm is left"));
    // The host key of these tests is over a NIST curve.
    let told = faults("algorithms = \"strict\"");
    assert!(told.contains("no host key can be used with the algorithms"), "{told}");
}
