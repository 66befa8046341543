"""From ready page runs to messages: a bounded window, swept, braked and measured."""
