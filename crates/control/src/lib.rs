//! The run itself: phases, dispatch of users to workers, stopping, and the stream of events.
