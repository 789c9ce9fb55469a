#include "hdf5_call.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "posix_file.hpp"

namespace fermiac::io {

void prepare_hdf5() {
  static bool const prepared = [] {
    // At exit HDF5 would close files that an exception left open, which is collective under MPI-IO and may hang.
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    return true;
  }();
  static_cast<void>(prepared);
}

namespace {

herr_t take_first(unsigned, H5E_error2_t const* error, void* text) {
  auto& message = *static_cast<std::string*>(text);
  if (message.empty() && error->desc != nullptr) message = error->desc;
  return 0;
}

Handle serial_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false, true);
#endif
  return access;
}

Handle open_serially(std::filesystem::path const& path, unsigned flags, int posix_flags) {
  prepare_hdf5();
  // HDF5 reports an unreadable path by its own words; the system's are plainer.
  Descriptor const probe(::open(path.c_str(), posix_flags | O_CLOEXEC | O_NONBLOCK));
  if (!probe.is_open()) refuse("open", path, errno);
  auto const access = serial_access();
  return {checked(H5Fopen(path.c_str(), flags, access), "open", path), H5Fclose};
}

}  // namespace

void refuse_with_hdf5(std::string_view action, std::filesystem::path const& path) {
  std::string message;
  // Upward: the innermost function comes first.
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &message);
  H5Eclear2(H5E_DEFAULT);
  std::replace(message.begin(), message.end(), '\n', ' ');
  refuse(action, path, "HDF5: " + (message.empty() ? std::string("unknown error") : message));
}

Handle open_for_reading(std::filesystem::path const& path) { return open_serially(path, H5F_ACC_RDONLY, O_RDONLY); }
Handle open_for_writing(std::filesystem::path const& path) { return open_serially(path, H5F_ACC_RDWR, O_RDWR); }

std::string text_of_attribute(hid_t attribute, std::filesystem::path const& path) {
  Handle const type(checked(H5Aget_type(attribute), "read an attribute of", path), H5Tclose);
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    checked(H5Aread(attribute, type, &text), "read an attribute of", path);
    std::string result = text != nullptr ? text : "";
    H5free_memory(text);
    return result;
  }
  std::vector<char> buffer(H5Tget_size(type) + 1, '\0');
  checked(H5Aread(attribute, type, buffer.data()), "read an attribute of", path);
  return buffer.data();
}

}  // namespace fermiac::io
