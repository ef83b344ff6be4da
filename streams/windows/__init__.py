"""Windows: cells merged by identity into panes, panes into sliding windows, closed by watermarks."""
