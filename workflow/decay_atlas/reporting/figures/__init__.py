"""The report's figures: from runs and tables to panels (matplotlib figures with what they show in words)."""
