//! What `adit serve --check` and `adit explain` say.

use std::fs;

use crate::house::{House, adit, run};

#[test]
fn a_configuration_is_checked_and_its_mistakes_have_places() {
    let house = House::new();
    let path = house.path("adit-serve.toml");
    let check = || run(&mut adit(&["serve", "--check", "--config", &path]));
    let (code, out, said) = check();
    assert_eq!((code, &*out), (0, ""), "{said}");
    assert!(said.contains("is in order; users: 1, rules: 1"), "{said}");
    house.configure("[[rule]]\nname = \"one\"\naction = \"allow\"\nusers = [\"bob\"]\nports = 1\n");
    let (code, out, said) = check();
    assert_eq!((code, &*out), (2, ""));
    assert!(said.contains("adit-serve.toml:12:1: unknown field"), "{said}");
    house.configure("[[rule]]\nname = \"one\"\naction = \"allow\"\nusers = [\"bob\"]\n");
    let (code, _, said) = check();
    assert_eq!(code, 2);
    assert!(said.contains("adit-serve.toml:11:10: there is no user \"bob\""), "{said}");
}

#[test]
fn the_configuration_is_adit_serve_toml_unless_said() {
    let house = House::new();
    let (code, _, said) = run(adit(&["serve", "--check"]).current_dir(house.at()));
    assert_eq!(code, 0, "{said}");
    let words = ["explain", "--user", "ann", "--target", "127.0.0.1:80"];
    let (code, _, said) = run(adit(&words).current_dir(house.at()));
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let (code, _, said) = run(&mut adit(&["serve", "--config", "/nonexistent/serve.toml"]));
    assert_eq!(code, 2);
    assert!(said.contains("/nonexistent/serve.toml: No such file"), "{said}");
}

#[test]
fn a_verdict_is_explained_and_is_the_exit_code() {
    let house = House::new();
    house.configure(
        "[[rule]]\nname = \"web\"\naction = \"allow\"\ngroups = [\"staff\"]\n\
         direction = \"open\"\ntargets = [\"127.77.0.0/16:80\"]\n\
         [[user]]\nname = \"eve\"\ngroups = [\"staff\"]\n",
    );
    fs::copy(house.at().join("host.pub"), house.at().join("stranger.pub")).unwrap();
    let (key, stranger) = (house.path("ann.pub"), house.path("stranger.pub"));
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--target", "0:80"], 1, "open 0:80: denied: 0.0.0.0 and :: are no hosts"),
        (&["--target", "127.77.0.1:80"], 1, "denied: no rule allows it"),
        (&["--group", "staff", "--target", "127.77.0.1:80"], 0, "allowed by rule `web`"),
        (&["--group", "staff", "--target", "127.77.0.1:81"], 1, "it names other ports"),
        (&["--listen", "localhost:8080"], 1, "it is about the other direction"),
        (&["--listen", "80"], 1, "ports below 1024"),
        (&["--key", &key, "--target", "127.77.0.1:80"], 1, "it is about other groups"),
        (&["--key", &stranger, "--target", "127.77.0.1:80"], 1, "the key is none of the user's"),
    ];
    for (words, code, told) in cases {
        let mut command = adit(&["explain", "--user", "ann"]);
        let (found, out, said) = run(command.args(words).current_dir(house.at()));
        assert_eq!(found, code, "{words:?}: {out}{said}");
        assert!(out.contains(told), "{words:?}: {out}");
    }
    let words = ["explain", "--user", "eve", "--target", "127.77.0.1:80", "--json"];
    let (code, out, _) = run(adit(&words).current_dir(house.at()));
    let data: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &data["verdict"], &data["rule"]), (0, &"allow".into(), &"web".into()));
    assert_eq!(data["paths"][0]["place"], "127.77.0.1:80");
}

#[test]
fn what_is_no_question_is_told() {
    let house = House::new();
    for words in [
        &["explain", "--user", "ann"][..],
        &["explain", "--user", "ann", "--target", "nowhere"],
        &["explain", "--user", "ann", "--target", "a:1", "--listen", "1"],
        &["explain", "--user", "ann", "--target", "a:1", "--at", "soon"],
        &["explain", "--user", "ann", "--target", "a:1", "--key", "adit-serve.toml"],
    ] {
        let (code, out, said) = run(adit(words).current_dir(house.at()));
        assert_eq!((code, &*out), (2, ""), "{words:?}: {said}");
    }
}
