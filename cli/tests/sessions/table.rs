//! One table of calls, and what comes of each.

use crate::adit::{Left, run};
use crate::caller::{BOTH, Caller, server};
use crate::server::Server;

/// A call: options, the words behind the host, and what is on standard input.
type Call = (&'static [&'static str], &'static [&'static str], &'static [u8]);

/// All octets.
const OCTETS: &[u8] = &{
    let mut all = [0; 256];
    let mut at = 0;
    while at < 256 {
        all[at] = at.to_le_bytes()[0];
        at += 1;
    }
    all
};

const CALLS: &[Call] = &[
    (&[], &["true"], b""),
    (&[], &["cat"], OCTETS),
    (&[], &["cat >&2; echo", "$(wc -c </dev/null)"], b"to standard error"),
    (&[], &["echo", "a  b", "'c  d'"], b""),
    (&[], &["printf 'no end of a line'"], b""),
    (&["-n"], &["cat; echo over"], b"not read"),
    (&["-oStdinNull=yes"], &["cat; echo over"], b"not read"),
    (&[], &["exit 3"], b""),
    (&[], &["kill -TERM $$"], b""),
    (&[], &["kill -KILL $$"], b""),
    (&[], &["no-such-program"], b""),
    (&[], &["-T", "echo", "-T"], b""),
    (&[], &["--", "echo", "-n", "x"], b""),
    (&["-T"], &[], b"echo by a shell\nexit 4\n"),
    (&["-s"], &["no-such-subsystem"], b""),
    (&["-oRemoteCommand=echo %r %p >/dev/null; echo told"], &[], b""),
    (&["-oSetEnv=ADIT_A=b c"], &["echo $ADIT_A"], b""),
    (&["-oSendEnv=ADIT_S*"], &["echo $ADIT_SENT"], b""),
    (&["-oSessionType=subsystem"], &["back"], OCTETS),
    (&["-s"], &["back"], OCTETS),
    (&["-tt", "-e", "none"], &["exit 5"], b""),
    (&["-W", "127.0.0.1:1"], &[], b""),
    (&["-oPermitLocalCommand=yes", "-oLocalCommand=echo here"], &["echo there"], b""),
    (&["-p", "1"], &["true"], b""),
    (&["-l", "no-such-user"], &["true"], b""),
];

/// What comes of a call. What ssh and adit say in their own names differs.
fn called(caller: Caller, server: &Server, (options, words, input): Call) -> Left {
    let mut call = caller.call(server, options, words);
    call.env("ADIT_SENT", "it was sent");
    run(call, input)
}

#[test]
fn the_same_comes_of_each_call() {
    let server = server();
    for call in CALLS {
        let [theirs, ours] = BOTH.map(|caller| called(caller, &server, *call));
        assert_eq!(ours.code, theirs.code, "{call:?}: {ours:?}, {theirs:?}");
        assert!(ours.stdout == theirs.stdout, "{call:?}: {ours:?}, {theirs:?}");
        if theirs.code != 255 {
            let said = |left: &Left| left.stderr.replace("\r\n", "\n");
            assert_eq!(said(&ours), said(&theirs), "{call:?}");
        }
    }
}

#[test]
fn each_exit_code_is_passed_on() {
    let server = server();
    let codes: Vec<i32> = (0..256).collect();
    // A few at once: sshd lets no more be about to log in.
    for codes in codes.chunks(8) {
        let call = |code: &i32| {
            Caller::Adit.call(&server, &[], &[&format!("exit {code}")]).spawn().unwrap()
        };
        let running: Vec<_> = codes.iter().map(|code| (code, call(code))).collect();
        for (code, running) in running {
            let left = running.wait_with_output().unwrap();
            assert_eq!(left.status.code(), Some(*code), "{left:?}");
        }
    }
}

#[test]
fn a_program_that_a_signal_ends_is_told_of_unless_nobody_reads_its_output() {
    let server = server();
    let left = called(Caller::Adit, &server, (&[], &["kill -TERM $$"], b""));
    left.expect(255, &["adit: the program was ended by SIGTERM"]);
    let quiet = called(Caller::Adit, &server, (&["-q"], &["kill -TERM $$"], b""));
    assert_eq!((quiet.code, &*quiet.stderr), (255, ""));
    let unread = called(Caller::Adit, &server, (&[], &["kill -PIPE $$"], b""));
    assert_eq!((unread.code, &*unread.stderr), (255, ""));
}
