"""Reads what people wrote: judges each ticket event and passes the fact on."""
