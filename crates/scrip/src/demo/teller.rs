//! How the story is told: a few lines a step for people, a JSON object a line for scripts.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::Town;

/// Tells steps, and counts those that did not hold.
#[derive(Debug)]
pub struct Teller {
    json: bool,
    colour: bool,
    told: usize,
    failed: usize,
}

impl Teller {
    /// A teller for people, or for scripts.
    pub fn new(json: bool) -> Self {
        Self { json, colour: std::io::stdout().is_terminal(), told: 0, failed: 0 }
    }

    /// Which servers there are.
    pub fn servers(&self, town: &Town) {
        if self.json {
            let servers = town.servers().map(|server| {
                json!({
                    "role": server.seat.role, "name": server.seat.name, "url": server.url(),
                    "admin_key": server.admin_key, "owner": server.owner.0, "password": server.owner.1,
                })
            });
            say(&json!({ "servers": servers }).to_string());
            return;
        }
        say("");
        for server in town.servers() {
            let (name, role) = (server.seat.name, server.seat.role.as_str());
            say(&format!("  {:<28}{:<10}{}", self.bold(name), role, self.dim(&server.url())));
        }
        say(&format!(
            "  {}\n",
            self.dim("servers on local ports, their data in a folder, their goods real")
        ));
    }

    /// Another part of the story begins.
    pub fn part(&self, name: &str) {
        if !self.json {
            say(&format!("  {}\n", self.bold(name)));
        }
    }

    /// A step: what was asked, what came back, and whether that is as it must be.
    pub fn step(&mut self, name: &str, held: bool, asked: &str, answered: &str) {
        self.told += 1;
        self.failed += usize::from(!held);
        if self.json {
            say(&json!({ "step": name, "ok": held, "asked": asked, "answered": answered })
                .to_string());
            return;
        }
        let mark = if held { self.paint("32", "✓") } else { self.paint("31", "✗") };
        say(&format!("{mark} {:>2}  {}", self.told, self.bold(name)));
        say(&format!("      {} {}", self.dim("→"), self.dim(asked)));
        for line in answered.lines() {
            say(&format!("      {} {line}", self.dim("←")));
        }
        say("");
    }

    /// The end of the story; whether every step held.
    pub fn end(&self) -> bool {
        if self.json {
            say(&json!({ "end": true, "told": self.told, "failed": self.failed }).to_string());
        } else {
            let (told, failed) = (self.told, self.failed);
            let line = match failed {
                0 => format!("  All {told} steps held."),
                _ => format!("  {failed} of {told} steps did not hold."),
            };
            say(&self.bold(&line));
        }
        self.failed == 0
    }

    /// That the servers stay open.
    pub fn serving(&self, town: &Town) {
        if self.json {
            return;
        }
        say("\n  Everything stays open until you stop it (Ctrl-C):");
        for server in town.servers() {
            say(&format!("  {} {:<20} {}", self.dim("·"), server.seat.name, server.url()));
        }
        let (owner, password) = &town.vendor.owner;
        let console = format!("{}/admin", town.vendor.url());
        say(&format!("  {} {console} for its staff: {owner}, {password}", self.dim("·")));
        say(&format!("  {} export SCRIP_SERVER={}", self.dim("·"), town.vendor.url()));
        say(&format!("  {} export SCRIP_ADMIN_KEY={}\n", self.dim("·"), town.vendor.admin_key));
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }
}

fn say(line: &str) {
    // Nobody reads any more: the story goes on for its exit code.
    drop(writeln!(std::io::stdout(), "{line}"));
}
