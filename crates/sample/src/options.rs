//! What the person asked for.

/// What `--help` says.
pub const HELP: &str = "\
tallow draws numbers.

  tallow [FILE]              bars, a line each; without FILE from standard input
  tallow --line [FILE]       one line of blocks

  -c, --column N             the numbers are in column N of comma-separated lines, from 1
  -l, --label N              and their names in column N
  -w, --width N              the longest bar, in characters (default 40)
      --line                 one line instead of bars
      --license FILE         your license (default: tallow.license beside the program)
      --request              what to carry to the shop, so that this machine is activated
      --status               what is left of the license
      --give-back            end the lease; says what to tell the shop, so that unused drawings come back
  -h, --help                 this
  -V, --version              the version

Examples:
  printf '3\\n1\\n4\\n1\\n5\\n' | tallow
  tallow --line --column 2 tides.csv
  du -s * | awk '{print $2\",\"$1}' | tallow --label 1 --column 2

Lines without a number are passed over, such as headings and comments.";

/// How to draw, and what.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The file; `None` or `-` for standard input.
    pub file: Option<String>,
    /// The column of the numbers, from 1; `None` when a line is a number.
    pub column: Option<usize>,
    /// The column of the names.
    pub label: Option<usize>,
    /// The length of the longest bar.
    pub width: usize,
    /// One line instead of bars.
    pub line: bool,
    /// Where the license is; `None` is beside the program.
    pub license: Option<String>,
}

/// What the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A drawing.
    Draw,
    /// The activation request.
    Request,
    /// What is left of the license.
    Status,
    /// That the lease ends.
    GiveBack,
    /// How it is used.
    Help,
    /// Which version it is.
    Version,
}

/// Reads the arguments after the program's name.
pub fn read(args: impl Iterator<Item = String>) -> Result<(Options, Asked), String> {
    let mut args = args;
    let mut options =
        Options { file: None, column: None, label: None, width: 40, line: false, license: None };
    let mut asked = Asked::Draw;
    while let Some(arg) = args.next() {
        let mut number = |most| {
            let text = args.next().unwrap_or_default();
            let number = text.parse().ok().filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("{arg} needs a number from 1 to {most}"))
        };
        match &*arg {
            "-h" | "--help" => return Ok((options, Asked::Help)),
            "-V" | "--version" => return Ok((options, Asked::Version)),
            "--request" => asked = Asked::Request,
            "--status" => asked = Asked::Status,
            "--give-back" => asked = Asked::GiveBack,
            "--license" => {
                options.license = Some(args.next().ok_or("--license needs the name of a file")?);
            }
            "-c" | "--column" => options.column = Some(number(1000)?),
            "-l" | "--label" => options.label = Some(number(1000)?),
            "-w" | "--width" => options.width = number(1000)?,
            "--line" => options.line = true,
            other if other.starts_with('-') && other != "-" => {
                return Err(format!("there is no option {other}; see tallow --help"));
            }
            _ if options.file.is_some() => return Err("one file at a time".into()),
            _ => options.file = Some(arg),
        }
    }
    Ok((options, asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<(Options, Asked), String> {
        read(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let expected = Options {
            file: Some("tides.csv".into()),
            column: Some(2),
            label: Some(1),
            width: 20,
            line: true,
            license: Some("a.license".into()),
        };
        let text = "-w 20 tides.csv --label 1 --license a.license --line --column 2";
        assert_eq!(asked(text), Ok((expected, Asked::Draw)));
        for (text, expected) in [
            ("--help -x", Asked::Help),
            ("-V", Asked::Version),
            ("--status", Asked::Status),
            ("--request --license b", Asked::Request),
            ("--give-back", Asked::GiveBack),
        ] {
            assert_eq!(asked(text).unwrap().1, expected, "{text}");
        }
    }

    #[test]
    fn other_options_are_refused() {
        for bad in ["-x", "-w", "-w 0", "-w 1001", "-c two", "a b", "--license"] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
