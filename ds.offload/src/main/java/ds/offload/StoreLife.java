package ds.offload;

/** What has become of a store. */
public enum StoreLife {
    /** A process works on it, or its lock is held. */
    LIVE,
    /** Its process is gone or has left it, and it holds a commit: a run can go on from it. */
    RESUMABLE,
    /** Its run ended in order, or never committed anything: the next run removes it. */
    RELEASED,
    /** Its process died while it was written in place: nobody can go on from it. */
    DIRTY
}
