import collections


def pytest_configure(config):
    config.addinivalue_line("markers", "stat: takes tens of seconds; left out with TIER=fast")
    config.addinivalue_line("markers", "long: takes minutes; left out below TIER=long")


def pytest_collection_modifyitems(items):
    """Files with most of those that take tens of seconds first: at the end, no worker is left alone with such a file."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("stat"))
    items.sort(key=lambda item: -slow[item.path])
