//! Runs an image twice, asks it everything, and notes what it did.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::sleep;

use super::ask::ask;
use super::find::Runtime;
use super::room::{OUTSIDE, Room};
use super::{carrier, image, leftover};
use vitrine_core::catalog::solution::Probe;
use vitrine_core::trial::{Asked, Listener, PROBE, Purpose, Question, Reach, Seen, Start, Subject};

/// How often a start is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long a program has to listen elsewhere, too, once it listens on loopback.
const LOOPBACK: Duration = Duration::from_secs(2);
/// When a person is told that it listens elsewhere so far.
const ELSEWHERE: Duration = Duration::from_secs(10);
/// How long the end of a program may take to be known, after a connection of it broke: where it still
/// listens then, and where nobody listens any more and only the runtime is late.
const END: Duration = Duration::from_millis(500);
const LATE_END: Duration = Duration::from_secs(20);

/// Why nothing can be said of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotTried(pub String);

/// One component, tried once.
pub struct Trial<'a> {
    runtime: &'a Runtime,
    /// Of its containers, so that they can be cleared whatever happens.
    id: &'a str,
    /// Who is told what takes long.
    tell: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Trial<'a> {
    /// A trial whose containers carry this name.
    pub fn new(runtime: &'a Runtime, id: &'a str, tell: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { runtime, id, tell }
    }

    /// Tries a component. Its containers are to be [cleared](super::clear), also after an error.
    ///
    /// # Errors
    /// [`NotTried`]: the image cannot be had, or no container of it can be made.
    pub async fn see(&self, subject: &Subject<'_>) -> Result<(Seen, Option<Room>), NotTried> {
        leftover::clear_dead(self.runtime).await;
        let name = &subject.container.image;
        let tried = image::image(self.runtime, name, self.tell).await.map_err(NotTried)?;
        for mounted in subject.container.images.values() {
            image::image(self.runtime, mounted, self.tell).await.map_err(NotTried)?;
        }
        let carrier = carrier::image(self.runtime).await.map_err(NotTried)?;
        let (first, room) = self.start(subject, &carrier, 1).await?;
        drop(room);
        leftover::clear(self.runtime, self.id).await;
        let (mut again, mut kept) = (None, None);
        if first.ready.is_some() && first.ended.is_none() {
            let (second, room) = self.start(subject, &carrier, 2).await?;
            kept = (second.ready.is_some() && second.ended.is_none()).then_some(room);
            again = Some(second);
        }
        let machine = self.runtime.machine().to_owned();
        Ok((Seen { image: tried, machine, first, again }, kept))
    }

    async fn start(
        &self,
        subject: &Subject<'_>,
        carrier: &str,
        number: usize,
    ) -> Result<(Start, Room), NotTried> {
        let room = Room::new(self.runtime, self.id, carrier, number).await;
        let mut room = room.map_err(NotTried)?;
        let mut start = Start::default();
        start.refused = room.start(self.id, number, subject).await.map_err(NotTried)?;
        if start.refused.is_some() {
            return Ok((start, room));
        }
        self.until_ready(subject, &room, &mut start).await;
        let listeners = room.carried.look().await;
        start.listeners =
            listeners.into_iter().map(|one| Listener { host: one.host, port: one.port }).collect();
        if start.ready.is_some() {
            for question in subject.questions {
                // Of a second start only what may differ is asked, once.
                let Some(asked) = asked(subject, &room, question, number == 1).await else { break };
                start.asked.push(asked);
            }
        }
        room.note(subject, &mut start).await;
        Ok((start, room))
    }

    /// Waits until the program answers its readiness probe well, as the kubelet would.
    async fn until_ready(&self, subject: &Subject<'_>, room: &Room, start: &mut Start) {
        let (port, budget) = (subject.component.port, subject.component.startup);
        let mut on_loopback = None;
        let (mut told, mut looked) = (false, Duration::ZERO);
        while !room.has_ended() && room.age() < budget {
            if room.carried.open(OUTSIDE, port).await.is_ok() {
                start.reach = Reach::All;
                let Probe::Get { path } = &subject.component.readiness else {
                    start.ready = Some(room.age());
                    return;
                };
                let patience = PROBE.min(budget.saturating_sub(room.age()).max(LOOK));
                let answer = ask(
                    &room.carried,
                    OUTSIDE,
                    port,
                    &Question::readiness(path.as_str(), patience),
                )
                .await;
                if answer.as_ref().is_ok_and(|answer| (200..400).contains(&answer.status)) {
                    start.ready = Some(room.age());
                    return;
                }
                start.probed = Some(answer);
            } else if room.carried.open(Ipv4Addr::LOCALHOST, port).await.is_ok()
                || is_on_another_loopback(room, port, &mut looked).await
            {
                start.reach = Reach::Loopback;
                let since = *on_loopback.get_or_insert_with(|| room.age());
                if room.age() - since > LOOPBACK {
                    return;
                }
            } else if !told && room.age() > ELSEWHERE {
                told = true;
                self.tell_elsewhere(room, port, budget).await;
            }
            sleep(LOOK).await;
        }
    }

    async fn tell_elsewhere(&self, room: &Room, port: u16, budget: Duration) {
        let listeners = room.carried.look().await;
        let budget = vitrine_core::model::duration::text(budget);
        let others: Vec<String> = listeners.iter().map(|one| one.port.to_string()).collect();
        (self.tell)(&match others.as_slice() {
            [] => format!("it does not listen yet; it has {budget} (Ctrl-C ends)"),
            others => format!(
                "it listens on {} so far, not on {port}; it has {budget} (Ctrl-C ends)",
                others.join(" and ")
            ),
        });
    }
}

/// Whether it listens on `::1`, where nobody asks it. Looked at once a second.
async fn is_on_another_loopback(room: &Room, port: u16, looked: &mut Duration) -> bool {
    if room.age() < *looked + LOOK * 10 {
        return false;
    }
    *looked = room.age();
    let listeners = room.carried.look().await;
    listeners.iter().any(|one| one.port == port && one.host.is_loopback())
}

/// What is said to a question; nothing once the program has ended.
async fn asked(
    subject: &Subject<'_>,
    room: &Room,
    question: &Question,
    twice: bool,
) -> Option<Asked> {
    let port = subject.component.port;
    let first = ask(&room.carried, OUTSIDE, port, question).await;
    if first.is_err() {
        let broke = room.age();
        sleep(END).await;
        while !room.has_ended()
            && room.age() - broke < LATE_END
            && room.carried.open(OUTSIDE, port).await.is_err()
        {
            sleep(LOOK).await;
        }
    }
    if room.has_ended() {
        return None;
    }
    let again = twice && first.is_ok() && matches!(question.purpose, Purpose::Example { .. });
    let then = match again {
        true => Some(ask(&room.carried, OUTSIDE, port, question).await),
        false => None,
    };
    Some(Asked { first, then })
}
