"""What requests and answers look like; requests are checked by it, both are described by it."""
