//! What the lines of a journal say of attacks: the first of a stage wins, and only a correction moves it.

use chrono::{DateTime, Utc};

use super::event::Event;
use crate::model::attack::{Attack, RestsOn};
use crate::model::signal::{Severity, Signal};
use crate::model::stage::StageId;

/// Takes a line about an attack, written at `at`.
pub(super) fn take(attacks: &mut Vec<Attack>, at: DateTime<Utc>, event: &Event) -> Result<(), String> {
    // Where somebody else was first theirs stands, and this line is a reading for the record.
    if let Event::AttackBegan { stage, began, rests_on, attack, .. } = event
        && standing(attacks, stage).is_none()
    {
        attacks.push(Attack::begun(stage.clone(), *began, *rests_on, *attack));
    }
    if let Event::AttackCorrected { stage, began, attack } = event {
        let known = standing(attacks, stage).ok_or("no attack on this stage has begun")?;
        known.began = *began;
        known.kind = attack.or(known.kind);
        known.rests_on = RestsOn::Person;
        known.corrected_at = Some(at);
    }
    if let Event::AttackEnded { stage, ended } = event {
        standing(attacks, stage).ok_or("no attack on this stage has begun")?.ended = Some(*ended);
    }
    Ok(())
}

/// An attack-level signal, in a journal whose console did not write when the attack began: its beginning is that of the
/// first such signal.
pub(super) fn signalled(attacks: &mut Vec<Attack>, stage: &StageId, signal: &Signal) {
    let is_known = |attack: &Attack| attack.accounts_for(stage, signal.since);
    if signal.severity == Severity::Attack && !attacks.iter().any(is_known) {
        attacks.push(Attack::begun(stage.clone(), signal.since, RestsOn::Signal(signal.kind), None));
    }
}

fn standing<'a>(attacks: &'a mut [Attack], stage: &StageId) -> Option<&'a mut Attack> {
    attacks.iter_mut().rfind(|attack| attack.stands() && attack.is_on(stage))
}
