//! The command line: one file a command.
//!
//! **Does:** reads arguments, calls the rooms, writes their answers for people or as JSON.
//! **Promises:** one line on stderr says what went wrong; exit codes are decided in [`exit`] and
//! nowhere else; what a pipe gets is only data. **Leaves to others:** everything that is not about
//! arguments and terminals.

pub mod completions;
pub mod config;
pub mod context;
pub mod dead_letters;
pub mod demo;
pub mod docs;
pub mod entity;
pub mod eval;
pub mod exit;
pub mod explain;
pub mod generate;
pub mod man;
pub mod receiver;
pub mod replay;
pub mod route;
pub mod rules;
pub mod run;
pub mod send;
pub mod shadow;
pub mod store;
pub mod verdict;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use context::Context;
pub use exit::{Exit, OrExit};

/// Watches hotline complaints as they arrive, raises group incidents (群诉) and financial risks,
/// and explains every alert.
#[derive(Debug, Parser)]
#[command(
    name = "fenghuo",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = exit::table(),
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: context::GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Run(run::RunArgs),
    /// Show the main job on a generated stream, with nothing to set up
    Demo(demo::DemoArgs),
    /// Run the engine over a file of events, as fast as it can
    Replay(replay::ReplayArgs),
    /// Score the engine on complaints that people have grouped, and compare settings
    Eval(eval::EvalArgs),
    /// Try other settings on what comes in, beside those in force, and tell the difference
    Shadow(shadow::ShadowArgs),
    /// Say why an alert was raised, or why nothing was
    Explain(explain::ExplainArgs),
    /// Say whether an alert was right
    Verdict(verdict::VerdictArgs),
    /// List the companies that complaints are about, and show the evidence for one
    Entity(entity::EntityArgs),
    /// Check, test, explain and begin risk rules
    Rules(rules::RulesArgs),
    /// Say to which channels an alert would go, and why
    Route(route::RouteArgs),
    /// Write a synthetic district's stream with its ground truth
    Generate(generate::GenerateArgs),
    /// Receive alerts, verify and print them
    Receiver(receiver::ReceiverArgs),
    /// Send events from a file or stdin to a running daemon
    Send(send::SendArgs),
    /// List, show and put back in what could not be used or delivered
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Check, back up and vacuum the database
    Store(store::StoreArgs),
    /// Check, show and document the configuration
    Config(config::ConfigArgs),
    /// Write shell completions
    Completions(completions::CompletionsArgs),
    /// Write the man page
    Man(man::ManArgs),
    /// Write the documentation that is made from the program itself
    #[command(hide = true)]
    Docs(docs::DocsArgs),
}

/// The whole program: reads the arguments of the process, does what they say.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no fault; if nobody reads them, neither is that.
            let is_fault = error.use_stderr();
            let _ = error.print();
            return exit::end(Ok(if is_fault { Exit::Usage } else { Exit::Ok }));
        }
    };
    let context = Context::new(cli.global);
    exit::end(dispatch(cli.command, &context))
}

fn dispatch(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => run::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Replay(args) => replay::run(&args, context),
        Command::Eval(args) => eval::run(&args, context),
        Command::Shadow(args) => shadow::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Verdict(args) => verdict::run(&args, context),
        Command::Entity(args) => entity::run(&args, context),
        Command::Rules(args) => rules::run(&args, context),
        Command::Route(args) => route::run(&args, context),
        Command::Generate(args) => generate::run(&args, context),
        Command::Receiver(args) => receiver::run(&args, context),
        Command::Send(args) => send::run(&args, context),
        Command::DeadLetters(args) => dead_letters::run(&args, context),
        Command::Store(args) => store::run(&args, context),
        Command::Config(args) => config::run(args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Man(args) => man::run(&args, context),
        Command::Docs(args) => docs::run(&args, context),
    }
}

/// The command line as clap knows it, for completions, man page and documentation.
pub fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_is_a_command_line_that_parses() {
        let command = Cli::command();
        let mut examples = 0;
        for inner in command.get_subcommands() {
            let help = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines().filter(|line| line.starts_with("  ") && line.contains("fenghuo ")) {
                for part in line.split(['|', '>']).filter(|part| part.contains("fenghuo ")) {
                    let words = part.split_whitespace().skip_while(|word| *word != "fenghuo");
                    let words: Vec<&str> = words.filter(|word| !word.starts_with("+%F")).collect();
                    if let Err(error) = command.clone().try_get_matches_from(&words) {
                        panic!("{part}: {error}");
                    }
                    examples += 1;
                }
            }
        }
        assert!(examples > 20, "{examples}");
    }

    #[test]
    fn every_command_shows_examples() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("fenghuo {}", command.get_name());
            assert!(help.contains("Examples:") && help.contains(&example), "{}", command.get_name());
        }
    }
}
