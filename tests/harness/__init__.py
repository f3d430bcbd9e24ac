"""What tests stand on: real servers, waiting without sleeping, ears for unexpected errors."""
