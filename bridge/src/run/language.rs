//! In which language names and readable values are: as the owner chose, else that of Home Assistant, else that of the system, else French.
//!
//! Home Assistant is asked once, before anything is said, and only where there is an address and a token for it. What it said last is kept:
//! it may start later than the bridge.

use std::{path::Path, time::Duration};

use serde_json::json;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::{
    config::settings::{HomeAssistant, Settings},
    statistics::{answer, recorder::Commands, websocket::Client},
    store::{spoken, whole::NOT_KEPT},
    words::{
        journal,
        language::{FoundIn, Language},
    },
};

/// How long the bridge waits for Home Assistant's language at its start.
const PATIENCE: Duration = Duration::from_secs(3);

/// Decides, says so if nobody has chosen, and lets the journal follow where it has no language of its own.
pub(super) async fn decide(settings: &Settings, state_directory: Option<&Path>) -> Language {
    if let Some(language) = settings.language {
        return language;
    }
    let of_home_assistant = of_home_assistant(&settings.homeassistant, state_directory).await;
    let (language, found) = of_home_assistant.map_or_else(Language::usual, |language| (language, FoundIn::HomeAssistant));
    if settings.journal.is_none() {
        journal::speak(language);
    }
    info!("{}", journal::say(found.words(), &[]));
    language
}

/// As Home Assistant says now, else as it said last.
async fn of_home_assistant(home_assistant: &HomeAssistant, state_directory: Option<&Path>) -> Option<Language> {
    home_assistant.api.as_ref()?;
    let kept = state_directory.and_then(spoken::load);
    let said = timeout(PATIENCE, ask(home_assistant)).await.ok().flatten();
    if let (Some(said), Some(directory)) = (said.filter(|said| Some(*said) != kept), state_directory)
        && let Err(error) = spoken::save(directory, said)
    {
        warn!("{}", journal::say(NOT_KEPT, &[&spoken::path(directory).display(), &error]));
    }
    said.or(kept)
}

/// Nothing where it cannot be asked: what is wrong then is said by what corrects its statistics.
async fn ask(home_assistant: &HomeAssistant) -> Option<Language> {
    let api = home_assistant.api.as_ref()?;
    let mut client = Client::connect(api).await.ok()?;
    answer::language(&client.command(json!({ "type": "get_config" })).await.ok()?)
}
