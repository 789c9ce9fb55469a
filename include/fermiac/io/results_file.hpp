/// The results file: created whole before work starts, then written by all ranks without ever changing its metadata.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fermiac/io/schema.hpp"

namespace fermiac::io {

/// Creates the results file `path`, or replaces it. To be called by one rank; needs no MPI.
///
/// The file is whole or not there: it is composed under the name `path`.tmp, its space reserved, filled (NaN for reals,
/// `fill` or 0 for integers and bytes, empty text), flushed to the disk and renamed; an existing file is untouched until
/// then. Where the data exceed `fill_limit_bytes`, reals are reserved but not filled, and read as 0 until written.
/// All datasets are contiguous and allocated, no times are tracked: the same schema makes the same bytes. Readable with
/// HDF5 1.8 and later; dimensions are HDF5 dimension scales as in netCDF-4, texts carry `_Encoding` for xarray.
///
/// @throws SystemError       one line with file and reason: full disk, read-only or missing folder, file too large (where
///                           the program ignores SIGXFSZ). Nothing is left behind.
/// @throws std::logic_error  for a schema that contradicts itself (unknown dimension, name used twice, wrong length)
void create(std::filesystem::path const& path, Schema const& schema, std::uint64_t fill_limit_bytes = std::uint64_t{1} << 30);

/// An open results file.
///
/// Variables are named `energy` in the root and `run/start` in a group. Their elements are addressed by indices, or by
/// their flat position in row-major order. A write goes to the operating system before the call returns, as one
/// contiguous piece where the elements are contiguous (about 1 us for one element): a process that is killed afterwards loses
/// nothing, and metadata are never written, so that the file opens at any instant. Elements that several ranks write must
/// not overlap. Two pieces of one item are not written atomically: that is what `done` bytes and checksums are for.
///
/// Only the thread that initialised MPI may use it.
///
/// All functions throw SystemError (one line that names file, variable and reason) where the system fails, a name is not
/// there, or types or ranges do not fit.
class ResultsFile {
 public:
  /// Opens for reading and writing by all ranks of `communicator`, through MPI-IO. Collective, as is closing; everything
  /// else is independent.
  ResultsFile(std::filesystem::path const& path, MPI_Comm communicator);

  /// Opens for reading; works while a study is writing, and always reads what is there now. Needs no MPI.
  static ResultsFile reading(std::filesystem::path const& path);

  /// Opens for reading and writing by this process alone. Needs no MPI.
  static ResultsFile writing(std::filesystem::path const& path);

  ResultsFile(ResultsFile&&) noexcept;
  ResultsFile& operator=(ResultsFile&&) noexcept;

  /// Closes the file, unless it is left by an exception while other ranks may not be: then it is abandoned (nothing is
  /// lost), because closing is collective and would hang.
  ~ResultsFile();

  /// Collective where opening was. Must come before MPI_Finalize, which ends HDF5 too.
  void close();

  std::filesystem::path const& path() const;

  // ------------------------------------------------------------------------------------------------ what there is

  /// Variables and scales of `group` ("" for the root, or "run") without the group's name, in the order of their creation.
  /// None where there is no such group.
  std::vector<std::string> names(std::string_view group = "") const;
  bool holds(std::string_view name) const;
  Type type(std::string_view name) const;
  /// Bytes of an element: 8, 8, 1, or the length of a text.
  std::uint64_t element_bytes(std::string_view name) const;
  std::vector<std::uint64_t> shape(std::string_view name) const;
  /// Product of the shape; 1 for a scalar.
  std::uint64_t size(std::string_view name) const;
  /// Name of the scale along each dimension, without its group; empty where none is attached.
  std::vector<std::string> dimensions(std::string_view name) const;
  /// @param object  a variable, "" for the root, or a group
  bool has_attribute(std::string_view object, std::string const& key) const;
  Attribute attribute(std::string_view object, std::string const& key) const;

  // ------------------------------------------------------------------------------------------------ writing

  /// Writes the box of `count` elements from `first` on, `data` in row-major order.
  void write(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
             std::span<double const> data);
  void write(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
             std::span<std::int64_t const> data);
  void write(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
             std::span<std::uint8_t const> data);

  /// Writes `data` to the consecutive elements from flat position `first` on.
  void write_flat(std::string_view name, std::uint64_t first, std::span<double const> data);
  void write_flat(std::string_view name, std::uint64_t first, std::span<std::int64_t const> data);
  void write_flat(std::string_view name, std::uint64_t first, std::span<std::uint8_t const> data);

  /// Writes the text at flat position `position`, cut at a character where it is longer than the variable's elements.
  void write_text(std::string_view name, std::uint64_t position, std::string_view text);

  /// Flushes what this rank wrote to the disk (not collective): a crash of the node loses nothing that was written before.
  void sync();

  // ------------------------------------------------------------------------------------------------ reading

  void read(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
            std::span<double> out) const;
  void read(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
            std::span<std::int64_t> out) const;
  void read(std::string_view name, std::span<std::uint64_t const> first, std::span<std::uint64_t const> count,
            std::span<std::uint8_t> out) const;

  void read_flat(std::string_view name, std::uint64_t first, std::span<double> out) const;
  void read_flat(std::string_view name, std::uint64_t first, std::span<std::int64_t> out) const;
  void read_flat(std::string_view name, std::uint64_t first, std::span<std::uint8_t> out) const;

  /// The text at flat position `position`, without its padding.
  std::string read_text(std::string_view name, std::uint64_t position = 0) const;
  /// The `n` texts from flat position `first` on.
  std::vector<std::string> read_texts(std::string_view name, std::uint64_t first, std::uint64_t n) const;

  /// All elements in row-major order. `T` is double, std::int64_t, std::uint8_t or std::string.
  template <typename T>
  std::vector<T> read_all(std::string_view name) const;

 private:
  struct Contents;
  explicit ResultsFile(std::unique_ptr<Contents> contents);

  std::unique_ptr<Contents> contents_;
};

}  // namespace fermiac::io
