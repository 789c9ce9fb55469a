#define BOOST_TEST_MODULE fermiac
#include <boost/test/unit_test.hpp>
