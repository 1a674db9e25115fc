//! `docker-compose.yml`, `Dockerfile` and `.env.example`, as far as they can be tried without containers.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use crate::{file, redis_start};

/// PyYAML is missing.
const NO_YAML: i32 = 3;

/// The environment of a service, once the whole file has been checked; `None` where that cannot be done here.
fn environment(service: &str, variables: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let mut command = Command::new("python3");
    command.args([file("tests/scripts/check_compose.py"), file("docker-compose.yml")]).arg(service);
    let output = command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables).output();
    let output = output.unwrap();
    if output.status.code() == Some(NO_YAML) {
        eprintln!("skipped: no PyYAML");
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(pairs(&String::from_utf8(output.stdout).unwrap()))
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter(|line| !line.starts_with("# ")).filter_map(pair).collect()
}

/// `.env.example` with every password filled in; with the lines for `ha`, or without.
fn example(ha: bool) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file(".env.example")).unwrap();
    let chosen: String = text
        .lines()
        .map(|line| if ha { line.strip_prefix('#').unwrap_or(line) } else { line }.to_owned() + "\n")
        .filter(|line| !line.starts_with(['#', ' ']))
        .collect();
    let mut variables = pairs(&chosen);
    for (name, value) in variables.iter_mut().filter(|(name, _)| name.ends_with("_PASSWORD")) {
        assert_eq!(value, "", "{name} is given away");
        *value = "s3cr3t".to_owned();
    }
    variables
}

#[test]
fn the_engines_of_the_composition_have_settings_that_are_right() {
    for (ha, mode, nodes) in [(false, "single", 0), (true, "sentinel", 3)] {
        for engine in ["engine-a", "engine-b"] {
            let Some(environment) = environment(engine, &example(ha)) else { return };
            let output = Command::new(env!("CARGO_BIN_EXE_tickcache"))
                .args(["check-config", "--config"])
                .arg(file("config/tickcache.toml"))
                .env_clear()
                .envs(environment)
                .output()
                .unwrap();
            let effective = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(effective.contains(&format!("id = {engine:?}")), "{effective}");
            assert!(effective.contains("url = \"redis://writer:***@redis:6379\""), "{effective}");
            assert!(effective.contains(&format!("mode = {mode:?}")), "{effective}");
            assert_eq!(effective.matches("sentinel-").count(), nodes, "{effective}");
            assert!(!effective.contains("s3cr3t"), "{effective}");
        }
    }
}

#[test]
fn the_servers_of_the_composition_get_the_users_that_have_passwords() {
    for (ha, expected) in [
        (false, "default writer reader operator app admin"),
        (true, "default writer reader operator app admin replica sentinel"),
    ] {
        let Some(environment) = environment("redis", &example(ha)) else { return };
        let variables: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let output = redis_start(&variables).arg("users").output().unwrap();
        let users = String::from_utf8(output.stdout).unwrap();
        let names: Vec<_> = users.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(names.join(" "), expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn nothing_starts_without_a_password() {
    let output = Command::new("python3")
        .args([file("tests/scripts/check_compose.py"), file("docker-compose.yml")])
        .arg("engine-a")
        .env_remove("REDIS_PASSWORD")
        .output()
        .unwrap();
    if output.status.code() != Some(NO_YAML) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("REDIS_PASSWORD is required"), "{said}");
    }
}

/// Answers one request with `reply`, and says what was asked.
fn health(reply: &'static [u8]) -> (bool, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("0.0.0.0:{}", listener.local_addr().unwrap().port());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            request.push(byte[0]);
        }
        stream.write_all(reply).unwrap();
        // Open until the client has gone: the body's end is not what it waits for.
        let _ = stream.read(&mut byte);
        String::from_utf8(request).unwrap()
    });
    (health_check(&listen), server.join().unwrap())
}

fn health_check(listen: &str) -> bool {
    let mut command = Command::new("bash");
    command.arg(file("config/healthcheck.sh")).env("TICKCACHE_HTTP_LISTEN", listen);
    command.output().unwrap().status.success()
}

#[test]
fn a_container_is_as_healthy_as_its_engine_says() {
    let (healthy, request) = health(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    assert!(healthy && request.starts_with("GET /healthz HTTP/1.0\r\n"), "{request}");
    assert!(!health(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").0);
    assert!(!health(b"").0, "an engine that does not answer");
    assert!(!health_check("127.0.0.1:1"), "an engine that does not listen");
    assert!(health_check(""), "there is nothing to ask");
}
