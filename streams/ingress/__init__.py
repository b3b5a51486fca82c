"""Outside becomes events: what the message centres publish, read strictly or turned away."""
