//! An incremental JSON scanner: bytes in any chunking, the values a reader wants out, bounded memory.
