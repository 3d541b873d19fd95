"""Words of the engines, rules and reasons in the reader's language: for pages and messages."""
