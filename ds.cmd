@echo off
rem The ds command from a working tree: builds what is not built, then runs it on the module path.
rem After a change of the sources delete ds.cli\target\modules.built, or run mvnw package.
rem DS_PLUGINS: directories or jars of further modules, separated by semicolons; DS_JAVA_OPTIONS:
rem options of the virtual machine, separated by spaces.
setlocal EnableExtensions DisableDelayedExpansion
rem Ends with a backslash. Before a quote java takes one for an escape, hence the dot and the
rem semicolon behind what may end with one.
set "ROOT=%~dp0"
set "MODULES=%ROOT%ds.cli\target\modules"
set "STAMP=%ROOT%ds.cli\target\modules.built"
set "FOUND="
for /f "delims=" %%J in ('call "%ROOT%mvnw.cmd" --print-java-home') do set "FOUND=%%J"
if not defined FOUND exit /b 1
set "JAVA_HOME=%FOUND%"
if exist "%STAMP%" goto run
echo Building ds (the first time takes a minute) ... 1>&2
rem A module that is gone must not stay on the path.
if exist "%MODULES%" rmdir /s /q "%MODULES%"
pushd "%ROOT%." || exit /b 1
call "%ROOT%mvnw.cmd" -q -DskipTests package -pl ds.cli -am 1>&2
set "BUILT=%ERRORLEVEL%"
popd
if not "%BUILT%"=="0" exit /b %BUILT%
type nul > "%STAMP%"
:run
set "PLUGINS="
if not defined DS_PLUGINS goto start
set "PLUGINS=;%DS_PLUGINS%;"
"%JAVA_HOME%\bin\java.exe" -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ^
    --module-path "%MODULES%" -m ds.cli/ds.cli.CheckPlugins %*
if errorlevel 1 exit /b %ERRORLEVEL%
:start
"%JAVA_HOME%\bin\java.exe" -Xshare:auto -XX:+UseParallelGC -Xmn64m ^
    --add-modules jdk.incubator.vector,ds.foreign ^
    --enable-native-access=ds.foreign --illegal-native-access=deny ^
    --module-path "%MODULES%%PLUGINS%" %DS_JAVA_OPTIONS% ^
    "-Dds.home=%ROOT%." -m ds.cli/ds.cli.Main %*
exit /b %ERRORLEVEL%
