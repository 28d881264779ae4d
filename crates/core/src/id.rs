//! Small integer ids: names are interned when a plan is checked, and only ids travel on the load path.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub u16);

        impl $name {
            /// The id as an index into the plan's table of its kind.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }

        impl From<usize> for $name {
            /// Ids are dense indices; plans are bounded far below `u16::MAX` (2000 names), so a larger
            /// index is a broken plan, and saturating keeps it visibly out of range instead of wrapping.
            fn from(index: usize) -> Self {
                Self(u16::try_from(index).unwrap_or(u16::MAX))
            }
        }
    };
}

id! {
    /// An endpoint: one (method, name) pair under which requests are grouped.
    EndpointId
}
id! {
    /// A class of virtual users.
    UserClassId
}
id! {
    /// A phase of the run, in the order the phases began.
    PhaseId
}
id! {
    /// A task, unique over the whole plan.
    TaskId
}

/// The identity of one virtual user: token, cookies, data row and source address belong to it, whichever
/// thread or process runs the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The class the user belongs to.
    pub class: UserClassId,
    /// 0-based number of the user within its class.
    pub index: u32,
}
