"""What a config that matches its schema may not say, by subject; `janus.config.consistency` asks them all."""
