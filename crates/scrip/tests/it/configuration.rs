//! Configuration: checked, refused with its place, overridden by the environment.

use crate::shop::{Folder, run, said, scrip};

#[test]
fn a_new_folder_has_a_good_configuration() {
    let folder = Folder::new();
    let (text, code) = said(&run(&["config", "check", "--config", &folder.config()]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("127.0.0.1:0"), "{text}");
    let (text, code) = said(&run(&["config", "print-default"]));
    assert_eq!(code, 0);
    assert!(text.contains("#listen = \"127.0.0.1:8080\""), "{text}");
}

#[test]
fn a_wrong_configuration_keeps_the_server_from_starting() {
    let folder = Folder::new();
    folder.configure("lissten = \"127.0.0.1:1\"");
    let file = folder.config();
    for command in [&["config", "check"][..], &["serve"]] {
        let args = [command, &["--config", &file]].concat();
        let (text, code) = said(&run(&args));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("line 1: there is no option lissten"), "{text}");
        assert!(text.contains("Do you mean listen?"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn the_environment_wins_and_wrong_values_in_it_are_refused() {
    let folder = Folder::new();
    let mut check = scrip(&["config", "check", "--json", "--config", &folder.config()]);
    let (text, code) = said(&check.env("SCRIP_LISTEN", "127.0.0.1:4711").output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("127.0.0.1:4711"), "{text}");
    let mut serve = scrip(&["serve", "--config", &folder.config()]);
    let (text, code) = said(&serve.env("SCRIP_LIMITS_CONNECTIONS", "0").output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("SCRIP_LIMITS_CONNECTIONS"), "{text}");
}

#[test]
fn without_a_configuration_it_says_what_to_do() {
    let (text, code) = said(&run(&["serve", "--config", "no/such/file.toml"]));
    assert_eq!(code, 1);
    assert!(text.contains("no/such/file.toml") && text.contains("scrip init"), "{text}");
    let (_, code) = said(&run(&["serve", "--no-such-flag"]));
    assert_eq!(code, 2);
}
