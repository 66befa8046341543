"""Pages that lie elsewhere: in object stores and on web servers, read by ranges of bytes."""
