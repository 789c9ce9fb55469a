/// HDF5 return codes and handles, wrapped once.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace fermiac::io {

/// To be called before any other function of HDF5: no printing of its own, no work of its own at exit.
void prepare_hdf5();

/// Throws SystemError "cannot <action> <path>: <innermost message of HDF5>".
[[noreturn]] void refuse_with_hdf5(std::string_view action, std::filesystem::path const& path);

/// Returns what a function of HDF5 returned, unless that is negative.
template <typename Result>
Result checked(Result result, std::string_view action, std::filesystem::path const& path) {
  if (result < 0) refuse_with_hdf5(action, path);
  return result;
}

/// Owns an identifier of HDF5.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() { close(); }

  operator hid_t() const noexcept { return id_; }
  herr_t close() noexcept {
    auto const id = std::exchange(id_, H5I_INVALID_HID);
    return id >= 0 ? closer_(id) : 0;
  }
  /// Forgets the identifier without closing it.
  void abandon() noexcept { id_ = H5I_INVALID_HID; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

/// Opens for reading with the serial driver and without HDF5's own file lock, which would shut writers out.
Handle open_for_reading(std::filesystem::path const& path);
/// The same for writing.
Handle open_for_writing(std::filesystem::path const& path);

/// The text of a scalar string attribute, of fixed or variable length.
std::string text_of_attribute(hid_t attribute, std::filesystem::path const& path);

}  // namespace fermiac::io
