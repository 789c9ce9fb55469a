#include "fermiac/study/table.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

using namespace fermiac::study;

BOOST_AUTO_TEST_SUITE(tables)

BOOST_AUTO_TEST_CASE(values_are_written_with_two_digits_of_their_error) {
  BOOST_TEST(concise(3.0648412, 0.0001234) == "3.06484(12)");
  BOOST_TEST(concise(-0.5, 0.031) == "-0.500(31)");
  BOOST_TEST(concise(1.2345, 0.00994) == "1.2345(99)");
  BOOST_TEST(concise(1.2345, 0.00999) == "1.234(10)");
  BOOST_TEST(concise(123.456, 1.5) == "123.5(1.5)");
  BOOST_TEST(concise(123.456, 15) == "123(15)");
  BOOST_TEST(concise(12345.6, 150) == "12346(150)");
}

BOOST_AUTO_TEST_CASE(values_without_an_error_and_missing_values) {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(concise(3.25, nan) == "3.25");
  BOOST_TEST(concise(3.25, 0) == "3.25");
  BOOST_TEST(concise(nan, 0.1) == "-");
}

BOOST_AUTO_TEST_CASE(text_csv_and_json_say_the_same) {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  Table const table{{{"omega", "1/time", {0.1, 1.0}, {}},
                     {"convention", "", {std::string("f"), std::string("sqrt_f")}, {}},
                     {"energy", "Hartree", {0.46143, nan}, {0.00012, nan}}}};
  BOOST_TEST(table.as_text() ==
             "   omega  convention       energy\n"
             "[1/time]                [Hartree]\n"
             "     0.1           f  0.46143(12)\n"
             "       1      sqrt_f            -\n");
  BOOST_TEST(table.as_csv() == "omega,convention,energy,energy_error\n0.1,\"f\",0.46143,0.00012\n1,\"sqrt_f\",,\n");
  BOOST_TEST(table.as_json() ==
             "[\n {\"omega\": 0.1, \"convention\": \"f\", \"energy\": 0.46143, \"energy_error\": 0.00012},\n"
             " {\"omega\": 1, \"convention\": \"sqrt_f\", \"energy\": null, \"energy_error\": null}\n]\n");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_where_it_is_only_looked_at) {
  std::string const whole(41, 'x');
  Table const table{{{"formula", "", {whole, std::string(40, 'y')}, {}}}};
  BOOST_TEST(table.as_text().find(std::string(37, 'x') + "...\n") != std::string::npos);
  BOOST_TEST(table.as_text().find(std::string(40, 'y') + "\n") != std::string::npos);
  BOOST_TEST(table.as_csv().find(whole) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(findings_are_blocks_of_lines_and_measures) {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  FindingsTable const table{{{std::int64_t{10}, std::string("f")}},
                            {"n", "law"},
                            {{{"mu", "mle", "bias", 0.0012, 0.0022, 0, 0.54},
                              {"mu", "mle", "cost", 3, nan, nan, nan},
                              {"mu", "map", "bias", -0.2, 0.001, nan, nan},
                              {"sigma2", "mle", "bias", 1, 0, 1, 0}}}};
  BOOST_TEST(!table.empty());
  BOOST_TEST(table.as_text() ==
             "n = 10, law = f\n"
             "  mu          bias  truth     z  cost\n"
             "  mle   0.0012(22)      0  0.54     3\n"
             "  map  -0.2000(10)      -     -     -\n"
             "  sigma2  bias  truth     z\n"
             "  mle        1      1  0.00\n\n");
  BOOST_TEST(table.as_csv() ==
             "n,law,table,line,measure,value,error,truth,z\n"
             "10,\"f\",\"mu\",\"mle\",\"bias\",0.0012,0.0022,0,0.54\n"
             "10,\"f\",\"mu\",\"mle\",\"cost\",3,,,\n"
             "10,\"f\",\"mu\",\"map\",\"bias\",-0.2,0.001,,\n"
             "10,\"f\",\"sigma2\",\"mle\",\"bias\",1,0,1,0\n");
  BOOST_TEST(table.as_json().starts_with(
      "[\n {\"n\": 10, \"law\": \"f\", \"table\": \"mu\", \"line\": \"mle\", \"measure\": \"bias\", "
      "\"value\": 0.0012, \"error\": 0.0022, \"truth\": 0, \"z\": 0.54},\n"));
  BOOST_TEST((FindingsTable{{{}}, {}, {{}}}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
