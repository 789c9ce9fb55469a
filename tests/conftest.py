def pytest_configure(config):
    config.addinivalue_line("markers", "stat: takes tens of seconds; left out with TIER=fast")
    config.addinivalue_line("markers", "long: takes minutes; left out below TIER=long")
