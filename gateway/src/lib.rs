//! Who may log in to a Secure Shell gateway, and what may be forwarded for whom: the policy of
//! `adit serve`, as values.
//!
//! Nothing in this crate opens a socket, asks a resolver or reads a clock. Time is an argument; what
//! has to be found out about names and paths is asked for, and handed in. Only [`config`] reads
//! files, when it is told to.
//!
//! # From a connection to a verdict
//!
//! ```text
//!  a connection      limits::door::Door::arrive -----------> turned away, or a Ticket
//!  a login           register::Register::admit ------------> denied, or a Login
//!  an open, a listen ask::Ask::new ------------------------> unclear, or an Ask
//!                    policy::Policy::wants(&Question) -----> names and paths: look them up
//!                    policy::Policy::judge(&Question, &Answers)
//!                         |                |
//!                         v                v
//!                    Verdict::Deny    Verdict::Allow: addresses to dial or bind
//!  its end           flow::Record::line
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the file: users, rules, limits; its mistakes with line and column |
//! | [`register`], [`user`], [`key_line`], [`terms`] | who may log in, by which keys, under which of their options |
//! | [`credential`], [`login`] | what a user shows, and who it is then |
//! | [`ask`], [`question`], [`answers`] | what is asked for, by whom, and what was found out about it |
//! | [`policy`], [`rule`], [`ruling`], [`verdict`], [`explanation`] | what is allowed, and why |
//! | [`service`], [`sessions`], [`certified`] | what sessions may have |
//! | [`host`], [`socket_path`], [`ports`], [`pattern`], [`subject`], [`effect`] | targets in one spelling, and how rules name them |
//! | [`calendar`] | days and hours |
//! | [`limits`] | how much anybody may have, and penalties |
//! | [`flow`] | the log of what was tunnelled |
//!
//! # What the policy means
//!
//! **Three things must agree** before anything is forwarded: the options of the key, the extensions
//! of the certificate, and the rules. The first two only take away. Without rules nothing is
//! allowed.
//!
//! **The first rule that matches decides.** A rule matches where each of its lists has an item that
//! does; what no rule matches is denied.
//!
//! **Name and address are one target.** What is asked for comes down to addresses: an address to
//! itself, a name to all that it has. Rules are held against each address by itself, and what may
//! be dialled is those that are allowed. An exact name in a rule means the addresses that it has, by
//! whatever name or number they are asked for. So for rules with exact names and networks, a name
//! may have precisely what its addresses may have by themselves. A suffix, `*.example.com`, is the
//! exception: it means names as they are asked for, since nobody can list the names below it.
//!
//! **A name that is allowed opens no address that is denied.** Whoever runs a name server chooses
//! the addresses. So a rule that allows by name leaves the address to the rules after it: the first
//! of them that means the address itself, by a network, decides; where there is none, the name
//! counts. To allow a host within a network that is denied, allow its address before the denial.
//! A rule without targets and one with `*:*` mean no address in particular, so a last rule that
//! denies the rest takes away nothing. ([`ruling`] has the picture.)
//!
//! **Nothing is resolved twice.** A question [wants](policy::Policy::wants) all names looked up that
//! matter, the client's and those in rules, and the verdict lists [addresses](verdict::Way). These
//! are dialled, not the name: no name server can answer differently in between. `localhost` is never
//! looked up, nor is a name that no rule could allow, whatever its addresses: who may have nothing
//! cannot make the gateway ask name servers. A rule that denies a name which cannot be resolved
//! denies whatever comes down to it.
//!
//! **Each thing has one spelling.** Upper case, a dot at the end, `127.1`, `0x7f000001`,
//! `2130706433`, `::ffff:127.0.0.1`, brackets: all are one ([`host`] has the table). Refused are
//! zone ids, what looks like an IPv4 address and is none, and 0.0.0.0 and `::` as targets, which
//! systems take for themselves. Rules that deny an IPv4 network deny it also where it is embedded
//! in an IPv6 address that networks translate ([`subject::embedded`]).
//!
//! **To listen** needs a rule that names the address, but for loopback, which a rule without targets
//! allows too. An empty bind address, with which many clients mean nothing in particular, becomes
//! loopback where nothing else is allowed, and the verdict [says so](verdict::Extent); `*`, `0`,
//! 0.0.0.0 and `::` do not. To listen on all addresses is to listen on each: a rule that denies one
//! of them denies it. `::` is IPv6 only, and is to be bound so. Ports below 1024 are for users with
//! `privileged-ports`. Port 0 is judged as such, and the port that the system has chosen again.
//!
//! **A Unix socket** is what its path leads to when links are followed, in rules and in what is
//! asked for; the verdict has that path. Sockets have to be named: a rule without targets allows
//! none.
//!
//! **Sessions** are for rules with `sessions`, which say nothing of tunnels, and are denied by those
//! that deny everything. What is asked for comes by its own name: a shell, a command, a subsystem,
//! and for each of them a terminal, the client's agent, its display. A command that the options of a
//! key or a certificate force is a command whatever the client asks for.
//!
//! # Example
//!
//! ```
//! use std::net::IpAddr;
//! use std::time::SystemTime;
//!
//! use adit_forward::target::Target;
//! use adit_gateway::answers::{Answer, Answers};
//! use adit_gateway::ask::{Ask, Direction};
//! use adit_gateway::effect::Effect;
//! use adit_gateway::login::Login;
//! use adit_gateway::policy::Policy;
//! use adit_gateway::question::Question;
//! use adit_gateway::rule::Rule;
//! use adit_gateway::verdict::Verdict;
//! # use adit_gateway::user::{Privilege, User};
//! # let ann = std::sync::Arc::new(User {
//! #     name: "ann".into(), groups: vec![], keys: vec![], authorities: vec![],
//! #     principals: vec![], privilege: Privilege::Ordinary, account: None,
//! # });
//!
//! let mut databases = Rule::new("databases", Effect::Allow);
//! databases.targets = vec!["db.example.com:5432".parse()?];
//! let mut inside = Rule::new("nothing else inside", Effect::Deny);
//! inside.targets = vec!["10.0.0.0/8:22".parse()?];
//! let policy = Policy::new(vec![databases, inside]);
//!
//! let login = Login::supposed(ann, IpAddr::from([192, 0, 2, 7]));
//! let target = Target::Tcp { host: "DB.example.com".to_owned(), port: 5432 };
//! let ask = Ask::new(Direction::Open, &target)?;
//! let question = Question { login: &login, ask: &ask, now: SystemTime::now() };
//!
//! let mut answers = Answers::default();
//! for name in policy.wants(&question).names {
//!     // Here a resolver is asked.
//!     answers.set_name(name, Answer::Addresses(vec![IpAddr::from([10, 0, 0, 5])]));
//! }
//! let Verdict::Allow(allowed) = policy.judge(&question, &answers) else { panic!() };
//! assert_eq!(allowed.ways[0].to.to_string(), "10.0.0.5:5432");
//! assert_eq!(&*allowed.ways[0].rule, "databases");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answers;
pub mod ask;
pub mod calendar;
pub mod certified;
pub mod config;
pub mod credential;
pub mod demand;
pub mod effect;
pub mod explanation;
pub mod flow;
pub mod host;
pub mod key_line;
pub mod limits;
pub mod login;
pub mod pattern;
pub mod policy;
pub mod ports;
pub mod question;
pub mod register;
pub mod rule;
pub mod ruling;
pub mod service;
pub mod session_explanation;
pub mod sessions;
pub mod socket_path;
pub mod subject;
pub mod terms;
pub mod user;
pub mod verdict;
