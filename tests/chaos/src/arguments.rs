//! Parses the command line.

use crate::transcript::Api;
use std::path::PathBuf;

/// The parsed command line.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) transcripts: PathBuf,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// How many requests run at once.
    pub(crate) in_flight: usize,
    /// How many more streams are open at the same time near the end of the run.
    pub(crate) gathering: u64,
    /// The number of the only request to run; `None`: all requests of the seed.
    pub(crate) only: Option<u64>,
    /// How often to repeat `only`.
    pub(crate) times: u64,
    pub(crate) apis: Vec<Api>,
}

impl Arguments {
    /// Reads `--name value` pairs.
    ///
    /// # Errors
    /// The first argument that is unknown or invalid.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            transcripts: PathBuf::from("tests/transcripts"),
            seconds: 30,
            seed: 1,
            in_flight: 64,
            gathering: 0,
            only: None,
            times: 1,
            apis: vec![Api::Messages, Api::ChatCompletions, Api::Responses],
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|error| format!("{name} {value}: {error}"));
            match name.as_str() {
                "--transcripts" => arguments.transcripts = PathBuf::from(value),
                "--seconds" => arguments.seconds = number()?,
                "--seed" => arguments.seed = number()?,
                "--in-flight" => arguments.in_flight = usize::try_from(number()?).unwrap_or(1),
                "--gathering" => arguments.gathering = number()?,
                "--only" => arguments.only = Some(number()?),
                "--times" => arguments.times = number()?,
                "--apis" => {
                    let apis =
                        value.split(',').map(|api| Api::parse(api).ok_or_else(|| format!("--apis {api}?")));
                    arguments.apis = apis.collect::<Result<_, _>>()?;
                }
                _ => return Err(format!("{name}?")),
            }
        }
        Ok(arguments)
    }
}
