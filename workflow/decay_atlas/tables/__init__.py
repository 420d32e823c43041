"""Tables in and out: from records and other tools' files to the table of runs, and all tables' files."""
