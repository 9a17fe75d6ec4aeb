//! What is typed after `playbook`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::model::stage::StageSelector;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PlaybookCommand {
    /// Every playbook; with --stage, those that answer its active signals first
    List(ListArgs),
    /// One playbook: what it answers, its inputs, its steps
    Show {
        /// The playbook
        name: String,
    },
    /// Check files; every mistake is shown with its line and column
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run one for a stage, step by step; every change has its own plan and phrase
    Run(RunArgs),
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ListArgs {
    /// The stage whose signals are to be answered: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    pub(in crate::cli) stage: Option<StageSelector>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct RunArgs {
    /// The playbook
    pub(in crate::cli) name: String,
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    pub(in crate::cli) stage: StageSelector,
    /// A value for an input (repeatable); it stays with the run
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub(in crate::cli) inputs: Vec<String>,
    /// Do only this step
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) step: Option<String>,
    /// Skip an optional step (repeatable)
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) skip: Vec<String>,
    /// The phrase that the next plan printed, for example "shop/prod 7f3a"; confirms that plan alone
    #[arg(long, value_name = "PHRASE")]
    pub(in crate::cli) confirm: Option<String>,
    /// Start again, even if a run of it for the stage is not over
    #[arg(long)]
    pub(in crate::cli) anew: bool,
}
