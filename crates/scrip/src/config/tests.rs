use super::*;

fn read(text: &str, environment: &[(&str, &str)]) -> Outcome<Config> {
    let mut raw = Raw::default();
    raw.read_file("scrip.toml", text, KEYS)?;
    let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    raw.read_environment(&pairs.collect(), KEYS, OTHERS);
    Config::of(&raw, Path::new("/srv/shop"))
}

fn refusal(text: &str) -> String {
    read(text, &[]).unwrap_err().to_string()
}

#[test]
fn the_default_file_documents_every_option_with_its_default() {
    let given: String = DEFAULT
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n");
    let mut raw = Raw::default();
    raw.read_file("scrip.toml", &given, KEYS).unwrap();
    for key in KEYS {
        assert!(raw.read(key, "", |_| Some(())).unwrap().is_some(), "{key} is not documented");
    }
    // The two ways to name the database exclude each other; an empty file name is none.
    let given = given.replace("database = \"scrip.db\"\n", "");
    let given = given.replace("public_url = \"http://127.0.0.1:8080\"\n", "");
    assert_eq!(read(&given, &[]).unwrap(), read("", &[]).unwrap());
    assert_eq!(read(DEFAULT, &[]).unwrap(), read("", &[]).unwrap());
}

#[test]
fn an_unknown_option_is_refused_with_its_place_and_its_neighbour() {
    let text = refusal("listen = \"127.0.0.1:1\"\n\n[limits]\nheader_second = 3\n");
    assert!(text.contains("line 4: there is no option limits.header_second"), "{text}");
    assert!(text.contains("limits.header_seconds"), "{text}");
    let text = refusal("lisen = \"127.0.0.1:1\"");
    assert!(text.contains("Do you mean listen?"), "{text}");
    let text = refusal("[limit]\nconnections = 3");
    assert!(text.contains("Do you mean limits.connections?"), "{text}");
    let text = refusal("colour = \"red\"");
    assert!(text.contains("print-default"), "{text}");
}

#[test]
fn a_wrong_type_or_range_is_refused_without_repeating_the_value() {
    for (text, expected) in [
        ("server_number = 256", "line 1: server_number must be a whole number from 0 to 255"),
        ("server_number = \"1\"", "must be a whole number"),
        ("demo = \"yes\"", "demo must be true or false"),
        ("\nlisten = 8080", "line 2: listen must be an address and port"),
        ("listen = \"secret\"", "listen must be"),
        ("trusted_proxies = [\"10.0.0.0/33\"]", "trusted_proxies must be a list"),
        ("public_url = \"ftp://x\"", "public_url must be"),
        ("public_url = \"https://\"", "public_url must be"),
        ("public_url = \"https:///shop\"", "public_url must be"),
        ("public_url = \"https://shop.example:99999\"", "public_url must be"),
        ("public_url = \"https://ada:secret@shop.example\"", "public_url must be"),
        ("public_url = \"https://shop.example?a\"", "public_url must be"),
        ("public_url = \"shop.example\"", "public_url must be"),
        ("metrics = \"127.0.0.1:8080\"", "the same address"),
        ("database = \"mysql://secret\"", "no database of the kind mysql"),
        ("[log]\nformat = \"xml\"", "line 2: log.format must be"),
        ("[log]\nfilter = \"a=b=c\"", "log.filter must be"),
        ("[log]\nfilter = \"inof\"", "log.filter must be"),
        ("[log]\nfilter = \"info,scrip_web\"", "log.filter must be"),
        ("[log]\nfilter = \"\"", "log.filter must be"),
        ("metrics = true", "metrics must be"),
        ("[objects]\nregion = 5", "line 2: objects.region must be a text"),
        ("[objects]\npath_style = \"yes\"", "objects.path_style must be true or false"),
        ("[processor.stripe]\napi_base = 5", "processor.stripe.api_base must be a text"),
        ("listen = ", "line 1: this is not TOML"),
        ("database = \"a\"\ndatabase_file = \"b\"", "both given"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}: {refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}

#[test]
fn an_account_at_stripe_is_whole_or_none() {
    let whole = "secret_key_file = \"a\"\nwebhook_secret_file = \"b\"\npublishable_key = \"pk_1\"";
    let table = |text: &str| format!("[processor.stripe]\n{text}");
    let account = read(&table(whole), &[]).unwrap().stripe.unwrap();
    assert_eq!(account.secret_key_file, Path::new("/srv/shop/a"));
    assert_eq!(account.api_base, "https://api.stripe.com");
    assert_eq!(read("", &[]).unwrap().stripe, None);
    let base = [("SCRIP_PROCESSOR_STRIPE_API_BASE", "http://localhost:1")];
    assert_eq!(read(&table(whole), &base).unwrap().stripe.unwrap().api_base, base[0].1);
    let half = refusal(&table("publishable_key = \"pk_1\""));
    assert!(half.contains("lacks secret_key_file and webhook_secret_file"), "{half}");
    let swapped = refusal(&table(&whole.replace("pk_1", "sk_secret")));
    assert!(swapped.contains("must begin with pk_") && !swapped.contains("sk_secret"), "{swapped}");
}

#[test]
fn a_bureau_is_whole_or_none() {
    let whole = "[bureau]\nurl = \"https://b.example\"\nsecret_file = \"keys/bureau\"";
    let bureau = read(whole, &[]).unwrap().bureau.unwrap();
    assert_eq!(bureau.secret_file, Path::new("/srv/shop/keys/bureau"));
    assert_eq!(bureau.budget, std::time::Duration::from_secs(3));
    let quick = format!("{whole}\nbudget_milliseconds = 800");
    assert_eq!(read(&quick, &[]).unwrap().bureau.unwrap().budget.as_millis(), 800);
    assert!(refusal(&format!("{whole}\nbudget_milliseconds = 99")).contains("from 100 to 60000"));
    assert!(refusal("[bureau]\nurl = \"https://b.example\"").contains("lacks secret_file"));
    assert!(refusal("[bureau]\nsecret_file = \"a\"").contains("lacks url"));
    assert_eq!(read("", &[]).unwrap().bureau, None);
}

#[test]
fn roles_and_provider_do_not_contradict() {
    use scrip_domain::role::Role;

    let merchant = "roles = [\"merchant\"]\npublic_url = \"https://shop.example/\"\n";
    let provider = "[provider]\nurl = \"https://pay.example/\"";
    let config = read(&format!("{merchant}{provider}"), &[]).unwrap();
    assert!(config.roles.has(Role::Merchant) && !config.roles.has(Role::Vendor));
    assert_eq!(config.provider.as_deref(), Some("https://pay.example"));
    assert!(read("", &[]).unwrap().roles.has(Role::Vendor));
    let both = [("SCRIP_ROLES", "provider, vendor"), ("SCRIP_PUBLIC_URL", "https://pay.example")];
    assert_eq!(read("", &both).unwrap().roles.iter().count(), 2);
    let demo = "demo = true\nroles = [\"merchant\"]\n[provider]\nurl = \"http://127.0.0.1:8080\"";
    assert!(read(demo, &[]).unwrap().provider.is_some());

    for (text, expected) in [
        (merchant, "a merchant needs provider.url"),
        (provider, "provider.url is for a merchant"),
        ("roles = [\"shop\"]", "roles must be a list of"),
        ("roles = []", "a role at least"),
        ("roles = [\"vendor\", \"vendor\"]", "twice"),
        ("roles = [\"vendor\", \"merchant\"]", "a merchant is nothing else"),
        ("roles = [\"provider\"]", "needs public_url"),
        ("roles = [\"provider\"]\npublic_url = \"http://pay.example\"", "must begin with https://"),
        (&demo.replace("demo = true", "demo = false"), "provider.url must be an address"),
        (&format!("{merchant}[provider]\nurl = \"https://shop.example\""), "own public_url"),
        (
            &format!("{merchant}[provider]\nurl = \"pay.example\""),
            "provider.url must be an address",
        ),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}: {refusal}");
    }
}

#[test]
fn the_environment_wins() {
    let file = "listen = \"127.0.0.1:1\"\ndatabase_file = \"gone\"\n[log]\nformat = \"human\"";
    let environment = [
        ("SCRIP_LISTEN", "0.0.0.0:2"),
        ("SCRIP_DATABASE", "postgres://u:p@h/d"),
        ("SCRIP_LOG_FORMAT", "json"),
        ("SCRIP_SERVER_NUMBER", "7"),
        ("SCRIP_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("SCRIP_DEMO", "true"),
        ("SCRIP_LIMITS_CONNECTIONS", "5"),
        ("SCRIP_SERVER", "http://elsewhere"),
        ("SCRIP_LISTN", "1"),
        ("PATH", "/bin"),
    ];
    let config = read(file, &environment).unwrap();
    assert_eq!(config.listen, "0.0.0.0:2".parse().unwrap());
    assert_eq!(config.database, Database::Postgres("postgres://u:p@h/d".to_owned()));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!((config.server_number, config.demo, config.limits.connections), (7, true, 5));
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.warnings, ["SCRIP_LISTN in the environment is no option"]);
    assert!(!format!("{config:?}").contains("u:p"), "a password is not shown");
    let wrong = read("", &[("SCRIP_THREADS", "many")]).unwrap_err().to_string();
    assert!(wrong.contains("the environment, SCRIP_THREADS: threads must be"), "{wrong}");
}

#[test]
fn who_is_on_the_same_machine_is_believed_by_default() {
    let trusted = |text: &str| read(text, &[]).unwrap().trusted_proxies;
    let own: Vec<_> = ["127.0.0.1", "::1"].map(|text| text.parse().unwrap()).into();
    assert_eq!(trusted(""), own);
    assert_eq!(trusted("listen = \"[::1]:80\""), own);
    assert_eq!(trusted("listen = \"0.0.0.0:80\""), []);
    assert_eq!(trusted("trusted_proxies = []"), []);
    let warnings = |text: &str| read(text, &[]).unwrap().warnings;
    let https = "public_url = \"https://shop.example\"\n";
    assert!(warnings(https).is_empty());
    for (more, told) in [
        ("listen = \"0.0.0.0:80\"", 1),
        ("trusted_proxies = []", 1),
        ("listen = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.1\"]", 0),
    ] {
        assert_eq!(warnings(&format!("{https}{more}")).len(), told, "{more}");
    }
    assert!(warnings("listen = \"0.0.0.0:80\"").is_empty(), "nobody stands before it");
}

#[test]
fn paths_are_relative_to_the_folder_of_the_file() {
    let config = read("database = \"books/a.db\"\ndata = \"/var/goods\"", &[]).unwrap();
    assert_eq!(config.database, Database::Sqlite("/srv/shop/books/a.db".into()));
    assert_eq!(config.data, Path::new("/var/goods"));
}

#[test]
fn a_restored_configuration_names_its_own_database_and_keeps_the_rest() {
    let text = "database_file = \"db.url\"\n\"data\" = \"/srv\"\nlisten = \"127.0.0.1:1\"\n\n[log]\n# database = 1\nfilter = \"info\"\n";
    let moved = super::with_database(text, "postgres://a\"b@h/d", false);
    assert!(moved.contains("\"data\" = \"/srv\"") && moved.contains("#database_file"), "{moved}");
    let restored = super::with_database(text, "scrip.db", true);
    assert!(restored.contains("#\"data\" = \"/srv\""), "{restored}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scrip.toml");
    for (text, database) in [
        (moved, Database::Postgres("postgres://a\"b@h/d".into())),
        (restored, Database::Sqlite(folder.path().join("scrip.db"))),
        (
            super::with_database(super::DEFAULT, "scrip.db", true),
            Database::Sqlite(folder.path().join("scrip.db")),
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(Config::load(&path, &Environment::new()).unwrap().database, database);
    }
}

#[test]
fn a_bucket_is_whole_or_none_and_its_secret_is_told_to_nobody() {
    let table = |text: &str| format!("[objects]\n{text}");
    let whole = "bucket = \"goods\"\nregion = \"eu-west-1\"\nprefix = \"/a/b/\"\naccess_key = \"AK\"\nsecret_key_file = \"s\"";
    let bucket = read(&table(whole), &[]).unwrap().bucket.unwrap();
    assert_eq!(bucket.endpoint, "https://s3.eu-west-1.amazonaws.com");
    assert_eq!((bucket.prefix.as_str(), bucket.path_style), ("a/b/", false));
    assert_eq!(bucket.secret, Secret::File(PathBuf::from("/srv/shop/s")));
    let config = read(&table(whole), &[]).unwrap();
    assert_eq!(config.secret_files(), [PathBuf::from("/srv/shop/s")]);
    for (text, expected) in [
        ("endpoint = \"https://s3.example\"", "no objects.bucket"),
        ("bucket = \"goods\"", "objects lacks access_key"),
        ("bucket = \"goods\"\naccess_key = \"AK\"", "SCRIP_OBJECTS_SECRET_KEY"),
        ("secret_key = \"hush\"", "there is no option objects.secret_key"),
        (&whole.replace("/a/b/", "a//b"), "objects.prefix must be"),
        (&whole.replace("/a/b/", "a b"), "objects.prefix must be"),
    ] {
        let refusal = refusal(&table(text));
        assert!(refusal.contains(expected) && !refusal.contains("hush"), "{text}: {refusal}");
    }
    let mut raw = Raw::default();
    raw.read_file("scrip.toml", &table(whole), KEYS).unwrap();
    let environment = [(SECRET_KEY.1.to_owned(), "hush".to_owned())].into();
    raw.read_environment(&environment, KEYS, OTHERS);
    raw.take_secret(&environment, SECRET_KEY);
    let config = Config::of(&raw, Path::new("/srv/shop")).unwrap();
    assert_eq!(config.bucket.as_ref().unwrap().secret, Secret::Given("hush".to_owned()));
    assert!(!format!("{config:?}").contains("hush"), "the environment wins, and stays unseen");
    assert_eq!((config.secret_files().len(), config.warnings.len()), (0, 0));
}

#[test]
fn a_mail_server_is_whole_or_none() {
    use scrip_mail::Security;

    let table = |text: &str| format!("[mail]\n{text}");
    let whole = "server = \"smtp.example\"\nfrom = \"Aurora <shop@shop.example>\"";
    let mail = read(&table(whole), &[]).unwrap().mail.unwrap();
    assert_eq!((mail.port, mail.security, mail.user), (587, Security::StartTls, None));
    let tls = format!("{whole}\ntls = \"tls\"\nuser = \"u\"\npassword_file = \"p\"");
    let config = read(&table(&tls), &[]).unwrap();
    assert_eq!(config.mail.as_ref().unwrap().port, 465);
    assert_eq!(config.secret_files(), [PathBuf::from("/srv/shop/p")]);
    assert_eq!(read("", &[]).unwrap().mail, None);
    for (text, expected) in [
        ("server = \"smtp.example\"", "mail lacks from"),
        ("from = \"a@b.example\"", "no mail.server"),
        (&format!("{whole}\nuser = \"u\""), "SCRIP_MAIL_PASSWORD"),
        (&format!("{whole}\npassword_file = \"p\""), "mail lacks user"),
        (&format!("{whole}\ntls = \"hush\""), "mail.tls must be"),
        (&format!("{whole}\nport = 70000"), "mail.port must be"),
        (&format!("{whole}\npassword = \"hush\""), "no option mail.password"),
    ] {
        let refusal = refusal(&table(text));
        assert!(refusal.contains(expected) && !refusal.contains("hush"), "{text}: {refusal}");
    }
    let mut raw = Raw::default();
    raw.read_file("scrip.toml", &table(&format!("{whole}\nuser = \"u\"")), KEYS).unwrap();
    let environment = [(MAIL_PASSWORD.1.to_owned(), "hush".to_owned())].into();
    raw.take_secret(&environment, MAIL_PASSWORD);
    let config = Config::of(&raw, Path::new("/srv/shop")).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(config.mail.unwrap().password, Some(Secret::Given("hush".into())));
}

#[test]
fn a_certificate_has_its_key_and_needs_no_proxy() {
    let both = "[tls]\ncertificate_file = \"/etc/shop/chain.pem\"\nkey_file = \"key.pem\"";
    let tls = read(both, &[]).unwrap().tls.unwrap();
    assert_eq!(tls.certificate, PathBuf::from("/etc/shop/chain.pem"));
    assert_eq!(tls.key, PathBuf::from("/srv/shop/key.pem"));
    let environment = [("SCRIP_TLS_CERTIFICATE_FILE", "c"), ("SCRIP_TLS_KEY_FILE", "k")];
    assert_eq!(read("", &environment).unwrap().tls.unwrap().key, PathBuf::from("/srv/shop/k"));
    for (text, expected) in [
        ("[tls]\ncertificate_file = \"c\"", "tls lacks key_file"),
        ("[tls]\nkey_file = \"k\"", "tls lacks certificate_file"),
        ("[tls]\nkeyfile = \"k\"", "Do you mean tls.key_file?"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}: {refusal}");
    }
    let public = "listen = \"0.0.0.0:443\"\npublic_url = \"https://shop.example\"\n";
    assert_eq!(read(public, &[]).unwrap().warnings, [UNTRUSTED]);
    assert!(read(&format!("{public}{both}"), &[]).unwrap().warnings.is_empty());
}

#[test]
fn traces_go_to_a_collector_or_nowhere() {
    let table = |text: &str| format!("[traces]\n{text}");
    let whole = "endpoint = \"http://127.0.0.1:4318/v1/traces\"";
    let traces = read(&table(whole), &[]).unwrap().traces.unwrap();
    assert_eq!((traces.percent, traces.authorization), (100, None));
    let environment =
        [("SCRIP_TRACES_ENDPOINT", "https://o.example/v1/traces"), ("SCRIP_TRACES_PERCENT", "5")];
    assert_eq!(read(&table(whole), &environment).unwrap().traces.unwrap().percent, 5);
    let with_file = format!("{whole}\nauthorization_file = \"a\"");
    let config = read(&table(&with_file), &[]).unwrap();
    assert_eq!(config.secret_files(), [PathBuf::from("/srv/shop/a")]);
    assert_eq!(read("[traces]\npercent = 10", &[]).unwrap().traces, None);
    for (text, expected) in [
        ("percent = 0", "traces.percent must be a whole number from 1 to 100"),
        ("endpoint = \"127.0.0.1:4318\"", "traces.endpoint must be the full address"),
        ("endpoint = \"https://u:hush@o.example\"", "traces.endpoint must be"),
        ("endpoint = \"https://o.example/?key=hush\"", "traces.endpoint must be"),
        ("authorization_file = \"a\"", "no traces.endpoint"),
        (&format!("{whole}\nauthorization = \"hush\""), "no option traces.authorization"),
    ] {
        let refusal = refusal(&table(text));
        assert!(refusal.contains(expected) && !refusal.contains("hush"), "{text}: {refusal}");
    }
    let mut raw = Raw::default();
    raw.read_file("scrip.toml", &table(&with_file), KEYS).unwrap();
    let environment = [(AUTHORIZATION.1.to_owned(), "hush".to_owned())].into();
    raw.read_environment(&environment, KEYS, OTHERS);
    raw.take_secret(&environment, AUTHORIZATION);
    let config = Config::of(&raw, Path::new("/srv/shop")).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!((config.secret_files().len(), config.warnings.len()), (0, 0));
    let given = config.traces.unwrap().authorization;
    assert_eq!(given, Some(Secret::Given("hush".into())));
}
