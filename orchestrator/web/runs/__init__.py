"""The run page: where the pages stand, live, and the decisions of those who may take them."""
