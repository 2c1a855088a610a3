//! What may happen to a world.

use crate::model::Kind;

/// Something that people, machines or chance do.
#[derive(Clone, Debug)]
pub enum Act {
    /// A folder says something else from the next commit on.
    Publish(u8, u8),
    /// A folder gets a slip of the pen and is refused.
    Slip(u8),
    /// A folder goes.
    Remove(u8),
    /// Several folders go in one commit.
    RemoveMany(u8),
    /// A commit makes the operator's file unreadable.
    BreakPlatform,
    /// A commit makes the operator's file good again.
    MendPlatform,
    /// A commit puts a symbolic link into the catalogue's root, which could be any solution, or
    /// takes it away.
    Link(bool),
    /// A commit gives the catalogue one of two domains.
    Domain(bool),
    /// The operator gives every pod another priority, or the usual one again.
    Priority(bool),
    /// The head is replaced by another commit beside it.
    Rewrite(u8, u8),
    /// The repository stops answering, or answers again.
    RepositoryDown(bool),
    /// The API server stops answering, or answers again.
    ServerDown(bool),
    /// The forge stops answering, or becomes moody, or is well again.
    Forge {
        /// Whether nobody answers.
        down: bool,
        /// Whether it sometimes asks for a pause or loses an answer.
        moody: bool,
    },
    /// Writes of a kind of object of a solution are refused, or no more.
    Deny(u8, u8, bool),
    /// The CRD of ScaledObjects comes or goes.
    Definition(bool),
    /// A solution's pods do not come up, or do.
    Sick(u8, bool),
    /// A solution's pods do not come up and say why, one of several ways.
    Ill(u8, u8),
    /// The process dies: what it ordered is carried out as far as chance has it. Its successor
    /// reads the Lease late.
    Crash {
        /// Whether the successor cannot read the Lease at first.
        late_lease: bool,
        /// The repository is silent from now on.
        dark: bool,
    },
    /// The next answers are lost: what they answer was done.
    LoseAnswers(u8),
    /// A watch says things twice.
    Duplicate,
    /// etcd is put back by so many states.
    Restore(u8),
    /// A hand takes the fields of an object from us.
    Edit(u8, u8),
    /// A hand deletes an object of a solution.
    Take(u8, u8),
    /// Something scales a solution's Deployments to 0, 1 or 2 copies.
    Scale(u8, u8),
    /// The wall clock jumps by so many minutes.
    Jump(i8),
    /// Time passes, in seconds.
    Pass(u16),
    /// A person asks to try everything now.
    Hint,
    /// So many things go their way.
    Go(u8),
}

/// The names that a history is about.
pub const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "omega", "zeta"];

/// Kinds whose writes may be refused.
pub const DENIABLE: [Kind; 4] =
    [Kind::Deployment, Kind::HttpRoute, Kind::Service, Kind::NetworkPolicy];
