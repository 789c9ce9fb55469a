def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; left out below TIER=long")
