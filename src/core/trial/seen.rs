//! What was seen of an image that ran, without any judgement.

use std::net::IpAddr;
use std::time::Duration;

use super::question::Question;
use crate::catalog::Solution;
use crate::catalog::fit::Build;
use crate::catalog::solution::Component;
use crate::model::{ContentHash, Quoted};
use crate::render::container::Container;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The solution that it is a part of.
    pub solution: &'a Solution,
    /// The component.
    pub component: &'a Component,
    /// How a node starts it.
    pub container: &'a Container,
    /// What it is asked, in this order.
    pub questions: &'a [Question],
}

/// What was seen of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The image as it lies on this machine; its size is what it takes there, unpacked.
    pub image: Build,
    /// The system of this machine's containers, as Go calls it: `linux/amd64`.
    pub machine: String,
    /// The first start.
    pub first: Start,
    /// A second start, of a new container; absent if the first was no good.
    pub again: Option<Start>,
}

/// What was seen of one start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Why the runtime did not start it.
    pub refused: Option<Quoted>,
    /// How it can be reached.
    pub reach: Reach,
    /// After what time it answered the readiness probe well.
    pub ready: Option<Duration>,
    /// The last answer to the readiness probe before it was ready, if it gave one.
    pub probed: Option<Result<Answer, NoAnswer>>,
    /// Where it listened when it was looked last.
    pub listeners: Vec<Listener>,
    /// How it ended by itself.
    pub ended: Option<Ended>,
    /// What it said to each question, as far as it was asked.
    pub asked: Vec<Asked>,
    /// The most memory that it took, in bytes; absent where nobody could look.
    pub peak: Option<u64>,
    /// Folders and files of its image that it changed, or made beside them.
    pub wrote: Vec<Quoted>,
    /// The last lines that it wrote, if it did not do well.
    pub log: Vec<Quoted>,
}

/// How a program can be reached at its port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nobody listens there.
    #[default]
    No,
    /// Only from inside the container.
    Loopback,
    /// From everywhere.
    All,
}

/// A TCP socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `0.0.0.0` or `::` for every address.
    pub host: IpAddr,
    /// Its port.
    pub port: u16,
}

/// How a program ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What it exited with; 128 and the signal's number, if it was killed.
    pub code: i32,
    /// How long after its start.
    pub after: Duration,
    /// Whether it was killed for its memory.
    pub out_of_memory: bool,
}

/// What was said to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The first time.
    pub first: Result<Answer, NoAnswer>,
    /// A second time, where that tells something.
    pub then: Option<Result<Answer, NoAnswer>>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// The page that answered in the end, where that is another one than was asked for.
    pub page: Option<Quoted>,
    /// The media type, without its parameters; empty if it says none.
    pub kind: Quoted,
    /// How long its body is, or as much of it as was read.
    pub length: u64,
    /// Of the body.
    pub hash: ContentHash,
    /// The body of an OpenAPI document; empty of everything else.
    pub body: Vec<u8>,
    /// Why the body was not read to its end.
    pub cut: Option<Cut>,
    /// How long all of it took.
    pub took: Duration,
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It was larger than anybody should wait for.
    Size,
    /// It went on longer than an answer may take.
    Time,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Not within this time.
    Late(Duration),
    /// The connection was refused or broke, or what came is no HTTP.
    Broken(Quoted),
    /// Pages of the program led from one to the next, without an end.
    Around,
}
