//! The display, lent by a master to the programs of its clients.

use crate::adit::{Adit, run};
use crate::display::Display;
use crate::stage::Stage;

#[test]
fn programs_of_several_clients_show_on_the_display_each_by_a_cookie_of_its_own() {
    let name = "programs_of_several_clients_show_on_the_display_each_by_a_cookie_of_its_own";
    let Some(display) = Display::start(name) else { return };
    let stage = Stage::with("X11Forwarding yes");
    let _master = Adit::start(display.lend(stage.ssh(&["-M", "-N", "-Y"], &[])));
    stage.wait_for_socket();
    let show = |number: usize| {
        let authority = stage.server.file(&format!("xauthority-{number}"));
        // The file of the user who runs the tests is left alone.
        let said = format!(
            "cookie=$(xauth list $DISPLAY | sed 's/.* //;q'); xauth -q remove $DISPLAY; \
             export XAUTHORITY={authority}; xauth -q add $DISPLAY MIT-MAGIC-COOKIE-1 $cookie; \
             xdpyinfo | grep -c vendor.string; echo $cookie"
        );
        let left = run(display.lend(stage.ssh(&["-Y"], &[&said])), b"");
        left.expect(0, &[]);
        String::from_utf8(left.stdout).unwrap()
    };
    let (first, second) = (show(1), show(2));
    for told in [&first, &second] {
        assert!(told.starts_with("1\n"), "{told}");
        assert!(!told.contains(&display.cookie), "the real cookie left the client");
    }
    assert_ne!(first, second);
    // Who does not want it has none.
    let left = run(stage.ssh(&["-x"], &["echo ${DISPLAY-none}"]), b"");
    assert_eq!(left.stdout, b"none\n", "{}", left.stderr);
    assert_eq!(stage.server.connections(), 1);
}
