//! `adit ssh --help`.

/// What it says.
pub(super) const TEXT: &str = "\
Does what ssh(1) does, with its options: runs a shell, a command or a subsystem at a server

Usage: adit ssh [OPTIONS] [USER@]HOST [COMMAND...]
       ssh [OPTIONS] [USER@]HOST [COMMAND...]      called by this name, as by a link

Options are read as ssh reads them: letters may share a word, a value may stand in the same word
or in the next, and options may also follow the host, up to the command.

The server, and the way there:
  -4, -6            IPv4 or IPv6 only
  -B INTERFACE, -b ADDRESS   where the connection comes from
  -F FILE|none      reads settings from this file only, or from none
  -i FILE           a private key to log in with; may be given more than once
  -J HOP,...        the servers to pass through
  -l USER, -p PORT  who logs in, and where
  -o KEYWORD=VALUE  a setting by its name in ssh_config(5); the first value wins
  -P TAG            a tag for Match tagged

What is done there:
  -f                goes to the background once the program runs, or the tunnels are open
  -N                runs no program
  -n                reads nothing from standard input
  -s                the command is the name of a subsystem
  -T, -t, -tt       asks for no terminal, for one, for one in any case
  -e CHARACTER|none what begins an escape at a terminal; ~? tells all
  -W HOST:PORT      joins standard input and output to a target

Tunnels:
  -L, -R, -D SPEC   as those of adit open
  -g                lets other hosts enter local tunnels
  -A, -a            lets the program use the agent here, or not
  -X, -Y, -x        forwards X11, all of it, or not

A connection that many calls share (ControlMaster, ControlPath and ControlPersist):
  -M                this call is the master, whose connection the others use
  -S PATH|none      the socket of the master
  -O COMMAND        tells the master what to do: check, exit, stop, channels, conninfo; with -L,
                    -R and -D forward and cancel

Algorithms:
  -C                compresses, where the server does
  -c LIST, -m LIST  ciphers, and message authentication codes

What is said:
  -E FILE           the log goes to a file; standard error is the program's alone
  -q, -v, -vv, -vvv less and more of it
  -G                prints the settings, and ends; with --like RELEASE as that of OpenSSH
  -Q KIND           lists algorithms, and ends; -Q help lists the kinds
  -V                tells the version, and ends
  --log FILTER, --log-format FORMAT   as those of adit

Refused: -I, as keys of PKCS#11 are used by way of an agent (ssh-add -s), and -w, as no network
devices are joined. Without effect: -K and -k, as there is no GSSAPI, and -y.

Exit code: that of the program; 255 for everything that fails here.
";
