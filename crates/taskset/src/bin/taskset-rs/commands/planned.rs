//! Commands that are planned and not built yet. The help does not list them; if one is called, it fails and says so.

/// What follows such a command is not read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

/// Fails with the name of the command.
pub(crate) fn run(command: &str) -> anyhow::Result<()> {
    anyhow::bail!("`{command}` is planned and not built yet")
}
